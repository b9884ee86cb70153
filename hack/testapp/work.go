package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopSignals all end the workload with code 0. The kernel drops a signal that
// process 1 does not handle, so an image's STOPSIGNAL must be one of these.
var stopSignals = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1}

// work runs until a signal, -exit-after or POST /exit, and returns the exit
// code. Nothing is shut down on the way out, but with -drain: a fast stop is
// the point.
func work(o options) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, stopSignals...)
	if o.ignoreTerm {
		signal.Ignore(syscall.SIGTERM)
	}
	exit := make(chan int, 1)
	web := &http.Server{}
	if err := start(o, web, exit); err != nil {
		fmt.Fprintln(os.Stderr, "testapp:", err)
		return 1
	}
	select {
	case sig := <-stop:
		fmt.Println("stopped by signal:", sig)
		return drain(web, o.drain)
	case code := <-exit:
		return code
	case <-after(o.exitAfter):
		return o.exitCode
	}
}

// drain takes no more connections and waits for the requests in flight.
func drain(web *http.Server, most time.Duration) int {
	if most == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "testapp: requests are dropped:", err)
	}
	return 0
}

// start does what is done once and sets going what runs beside; it does not block.
func start(o options, web *http.Server, exit chan<- int) error {
	if o.printEnv {
		if err := printEnv(os.Stdout); err != nil {
			return err
		}
	}
	for _, w := range o.writes {
		if err := os.WriteFile(w.path, []byte(w.text), 0o644); err != nil {
			return err
		}
	}
	eatMemory(o.eatMemory)
	if o.eatCPU {
		eatCPU()
	}
	if o.http == "" {
		return nil
	}
	app := newServer(o, exit)
	web.Handler = app
	if o.startDelay == 0 {
		return serve(o.http, web, app)
	}
	time.AfterFunc(o.startDelay, func() {
		if err := serve(o.http, web, app); err != nil {
			fmt.Fprintln(os.Stderr, "testapp:", err)
			app.requestExit(1)
		}
	})
	return nil
}

// serve listens, and serves aside.
func serve(address string, web *http.Server, app *server) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	go func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "testapp:", err)
			app.requestExit(1)
		}
	}()
	return nil
}

// after is time.After where 0 means never.
func after(d time.Duration) <-chan time.Time {
	if d == 0 {
		return nil
	}
	return time.After(d)
}
