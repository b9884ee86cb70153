package main

import (
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
// code. Nothing is shut down on the way out: a fast stop is the point.
func work(o options) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, stopSignals...)
	if o.ignoreTerm {
		signal.Ignore(syscall.SIGTERM)
	}
	exit := make(chan int, 1)
	if err := start(o, exit); err != nil {
		fmt.Fprintln(os.Stderr, "testapp:", err)
		return 1
	}
	select {
	case sig := <-stop:
		fmt.Println("stopped by signal:", sig)
		return 0
	case code := <-exit:
		return code
	case <-after(o.exitAfter):
		return o.exitCode
	}
}

// start does what is done once and sets going what runs beside; it does not block.
func start(o options, exit chan<- int) error {
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
	return serve(o, exit)
}

func serve(o options, exit chan<- int) error {
	listener, err := net.Listen("tcp", o.http)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	s := newServer(o.unhealthyAfter, exit)
	go func() {
		fmt.Fprintln(os.Stderr, "testapp:", http.Serve(listener, s))
		s.requestExit(1)
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
