package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// table collects results.
type table struct{ rows [][]any }

func (t *table) add(what string, floor, berth, ratio, target any, ok string) {
	t.rows = append(t.rows, []any{what, floor, berth, ratio, target, ok})
}

func verdict(ok bool) string {
	if ok {
		return "reached"
	}
	return "MISSED"
}

// ratio adds a time that may be at most so many times the floor's.
func (t *table) ratio(what string, floor, berth time.Duration, most float64) {
	r := berth.Seconds() / floor.Seconds()
	t.add(what, ms(floor), ms(berth), fmt.Sprintf("%.2f", r), fmt.Sprintf("<= %.2f", most), verdict(r <= most))
}

// pass adds a pass that may take at most twice a list, and 5 ms.
func (t *table) pass(what string, list, pass time.Duration) {
	t.add(what, ms(list), ms(pass), fmt.Sprintf("%.2f", pass.Seconds()/list.Seconds()), "<= 2 lists + 5 ms", verdict(pass <= 2*list+5*time.Millisecond))
}

func (t *table) limit(what string, got, most time.Duration) {
	t.add(what, "", ms(got), "", "<= "+ms(most), verdict(got <= most))
}

func (t *table) value(what, got, target string, ok bool) {
	t.add(what, "", got, "", target, verdict(ok))
}

// peer adds what another program took for what berth did, for comparison.
func (t *table) peer(what string, peer, berth time.Duration) {
	t.add(what, ms(peer), ms(berth), fmt.Sprintf("%.2f", berth.Seconds()/peer.Seconds()), "", "")
}

func ms(d time.Duration) string {
	if d > 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "WHAT\tFLOOR OR PEER\tBERTH\tRATIO\tTARGET\t")
	for _, r := range t.rows {
		fmt.Fprintf(tw, "%v\t%v\t%v\t%v\t%v\t%v\n", r...)
	}
	_ = tw.Flush() // standard output
}
