package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth.dev/berth/controller"
	"berth.dev/berth/controller/server"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func holdCommand(g *global) *cobra.Command {
	t, ask, until := &target{g: g}, server.Ask{}, ""
	cmd := &cobra.Command{
		Use:   "hold NAME --for DURATION [--reason TEXT]",
		Short: "Have an object left as it is for some time: observed, and not changed",
		Long: `Have an object left as it is for some time: observed, and not changed. What would be done meanwhile is done when the hold ends, by
itself or by ` + "`berth release`" + `. A hold survives a restart of the agent. The lasting form is suspend: true in the manifest.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if ask.Until, err = parseUntil(until, time.Now()); err != nil {
				return err
			}
			if (ask.For == 0) == (until == "") {
				return errors.New("say when the hold ends, either with --for, as in --for 2h, or with --until, as in --until 18:00")
			}
			o, a, err := t.ask(cmd.Context(), args[0], "hold", ask)
			if err != nil {
				return err
			}
			tell(cmd.OutOrStdout(), heldText(o.Key(), a.Hold, time.Now()), a)
			return nil
		},
	}
	t.flags(cmd)
	cmd.Flags().Var((*duration)(&ask.For), "for", "for how long, as in 90m, 2h or 2d")
	cmd.Flags().StringVar(&until, "until", "", "until when, as in 18:00 or 2026-01-31T18:00:00+01:00")
	cmd.Flags().StringVar(&ask.Reason, "reason", "", "why, in one line")
	return cmd
}

// heldText confirms a hold in the time of the person who asked.
func heldText(key spec.Key, h *plan.Hold, now time.Time) string {
	text := fmt.Sprintf("%s/%s is held", key.Namespace, key.Name)
	if h == nil { // released by another at the same time
		return fmt.Sprintf("%s/%s is not held any more", key.Namespace, key.Name)
	}
	text += fmt.Sprintf(" until %s (%s)", clockText(h.Until, now), spanText(h.Until.Sub(now)))
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text + fmt.Sprintf("; `berth release %s -n %s` lets it go", key.Name, key.Namespace)
}

// clockText is a time of today as 14:02, and any other with its date.
func clockText(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// spanText is a duration without what is too small to matter in it, as 2h or 1h30m.
func spanText(d time.Duration) string {
	unit := time.Second
	if d >= time.Minute {
		unit = time.Minute
	}
	text := d.Round(unit).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// duration is a flag: Go's durations, and days before them.
type duration spec.Duration

func (d *duration) String() string { return spec.Duration(*d).String() }

func (*duration) Type() string { return "duration" }

// Set reads a duration, as in 90m, 2h, 2d or 1d12h.
func (d *duration) Set(s string) error {
	rest, total := s, time.Duration(0)
	if days, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return fmt.Errorf("want a duration such as 90m, 2h or 2d")
		}
		rest, total = after, time.Duration(n)*24*time.Hour
	}
	if rest != "" {
		part, err := time.ParseDuration(rest)
		if err != nil {
			return fmt.Errorf("want a duration such as 90m, 2h or 2d")
		}
		total += part
	}
	if total <= 0 {
		return errors.New("want a duration above 0")
	}
	*d = duration(total)
	return nil
}

// parseUntil reads a time: of the day, the next one to come, or a date with one. Times without a zone are local.
func parseUntil(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	t, err := time.ParseInLocation("15:04", s, time.Local)
	if err != nil {
		return t, fmt.Errorf("--until %q is no time: want one such as 18:00, 2026-01-31 18:00 or 2026-01-31T18:00:00+01:00", s)
	}
	n := now.Local()
	t = time.Date(n.Year(), n.Month(), n.Day(), t.Hour(), t.Minute(), 0, 0, time.Local)
	if !t.After(now) {
		t = t.AddDate(0, 0, 1)
	}
	return t, nil
}

func releaseCommand(g *global) *cobra.Command {
	return plainCommand(&target{g: g}, "release", "release NAME", "Let go of an object that is held: what waits is done")
}

func stopCommand(g *global) *cobra.Command {
	return plainCommand(containersOf(g), "stop", "stop NAME", "Stop a Container's copies until `berth start`, over restarts of the agent and of the host")
}

func startCommand(g *global) *cobra.Command {
	return plainCommand(containersOf(g), "start", "start NAME", "Start a Container's copies that were stopped with `berth stop`")
}

func restartCommand(g *global) *cobra.Command {
	return plainCommand(containersOf(g), "restart", "restart NAME", "Restart a Container's copies in place, one after the other")
}

func containersOf(g *global) *target { return &target{g: g, kind: spec.KindContainer} }

// plainCommand asks for something that has no settings.
func plainCommand(t *target, verb, use, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, a, err := t.ask(cmd.Context(), args[0], verb, server.Ask{})
			if err != nil {
				return err
			}
			tell(cmd.OutOrStdout(), a.Message, withHold(a, verb))
			return nil
		},
	}
	t.flags(cmd)
	return cmd
}

// withHold adds that what was asked for waits, where the object is held.
func withHold(a controller.Answer, verb string) controller.Answer {
	if a.Hold != nil && verb != "release" {
		a.Notes = append(a.Notes, fmt.Sprintf("%s; what was asked for waits until then", a.Hold))
	}
	return a
}
