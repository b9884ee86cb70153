package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

// load is a client that sends requests without a pause, one at a time, and
// tells of those that fail.
type load struct {
	url         string
	count       int           // of requests; 0 is without end
	during      time.Duration // 0 is without end
	keepAlive   bool
	client      *http.Client
	sent, fails int
}

// shownFailures is how many failures are told one by one.
const shownFailures = 20

// client runs until its requests or its time are over, or it is told to stop.
// What it has done is its last line; any failure makes it exit with 1.
func client(w io.Writer, args []string) error {
	l, err := parseLoad(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if l.during > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.during)
		defer cancel()
	}
	l.run(ctx, w)
	fmt.Fprintf(w, "sent %d failed %d\n", l.sent, l.fails)
	if l.fails > 0 {
		return exitError(1)
	}
	return nil
}

func parseLoad(args []string) (*load, error) {
	var l load
	fs := flag.NewFlagSet("client", flag.ContinueOnError)
	fs.StringVar(&l.url, "url", "", "ask this `URL`")
	fs.IntVar(&l.count, "n", 0, "send so many requests; 0 is without end")
	fs.DurationVar(&l.during, "for", 0, "send requests for this `duration`; 0 is without end")
	fs.BoolVar(&l.keepAlive, "keep-alive", false, "send them over one connection, and not each over a new one")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if l.url == "" || fs.NArg() > 0 {
		return nil, errors.New("client wants -url URL, and flags only")
	}
	l.client = &http.Client{Timeout: probeClient.Timeout, Transport: &http.Transport{DisableKeepAlives: !l.keepAlive}}
	return &l, nil
}

// run never cuts a request off: one that is under way at the end has its answer awaited, or it would count as lost.
func (l *load) run(ctx context.Context, w io.Writer) {
	for ctx.Err() == nil && (l.count == 0 || l.sent < l.count) {
		l.sent++
		err := l.ask()
		if err == nil {
			continue
		}
		if l.fails++; l.fails <= shownFailures {
			fmt.Fprintf(w, "%s request %d: %v\n", time.Now().Format("15:04:05.000"), l.sent, err)
		}
	}
}

func (l *load) ask() error {
	res, err := l.client.Get(l.url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return errors.New(res.Status)
	}
	return nil
}
