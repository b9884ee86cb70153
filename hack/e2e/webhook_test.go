package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// webhookDo is the command `webhook VERB`: a receiver of notifications on this host.
//
//	start            and sets $WEBHOOK to its host and port; once more after a stop: on the same port
//	stop             takes no more connections
//	answers CODE     from now on, with this status; 204 at first
//	told REGEXP [N]  lines that match were taken: with N, just so many; a line is PATH TOKEN CONTENT-TYPE: BODY
func webhookDo(s *script, args []string) result {
	if len(args) == 1 && args[0] == "start" {
		return s.startWebhook()
	}
	switch {
	case len(args) == 0 || s.webhook == nil:
	case args[0] == "stop":
		return result{err: s.webhook.server.Close()}
	case args[0] == "answers" && len(args) == 2:
		return s.webhook.answers(args[1])
	case args[0] == "told" && len(args) > 1:
		return s.webhook.told(args[1:])
	}
	return fail("usage: webhook start|stop|answers CODE|told REGEXP [N]")
}

// webhook takes what it is told.
type webhook struct {
	address string
	server  *http.Server

	mu    sync.Mutex
	code  int
	lines []string
}

func (s *script) startWebhook() result {
	if s.webhook == nil {
		s.webhook = &webhook{address: "127.0.0.1:0", code: http.StatusNoContent}
	}
	w := s.webhook
	l, err := net.Listen("tcp", w.address)
	if err != nil {
		return result{err: err}
	}
	w.address = l.Addr().String()
	w.server = &http.Server{Handler: w}
	go func(server *http.Server) { _ = server.Serve(l) }(w.server) // it ends by being closed
	s.ts.Setenv("WEBHOOK", w.address)
	return result{}
}

func (w *webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the agent has ended, and will not have an answer
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	rw.WriteHeader(w.code)
	w.lines = append(w.lines, fmt.Sprintf("%s %s %s: %s", r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), body))
}

func (w *webhook) answers(code string) result {
	n, err := strconv.Atoi(code)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.code = n
	return result{err: err}
}

func (w *webhook) told(args []string) result {
	want, err := regexp.Compile(args[0])
	if err != nil {
		return result{err: err}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for _, l := range w.lines {
		if want.MatchString(l) {
			lines = append(lines, l)
		}
	}
	if len(args) == 1 && len(lines) == 0 || len(args) == 2 && fmt.Sprint(len(lines)) != args[1] {
		return fail("%d lines of %q were taken of\n%s", len(lines), args[0], strings.Join(w.lines, "\n"))
	}
	return result{stdout: strings.Join(lines, "\n") + "\n"}
}
