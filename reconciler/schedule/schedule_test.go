package schedule

import (
	"strings"
	"testing"
	"time"
)

const layout = "2006-01-02 15:04:05 -0700"

// TestTicks follows schedules over the changes of clocks.
func TestTicks(t *testing.T) {
	for _, tt := range []struct{ name, schedule, zone, after, want string }{
		// Berlin goes from 2:00 +1 to 3:00 +2 on 29 March 2026, and from 3:00 +2 to 2:00 +1 on 25 October.
		{"fixed hour in the gap runs after it", "30 2 * * *", "Europe/Berlin", "2026-03-28 00:00:00 +0100",
			"2026-03-28 02:30:00 +0100, 2026-03-29 03:00:00 +0200, 2026-03-30 02:30:00 +0200"},
		{"several in the gap are one", "0,15,30 2,3 * * *", "Europe/Berlin", "2026-03-29 00:00:00 +0100",
			"2026-03-29 03:00:00 +0200, 2026-03-29 03:15:00 +0200, 2026-03-29 03:30:00 +0200, 2026-03-30 02:00:00 +0200"},
		{"the end of the gap is past the gap", "30 2 * * *", "Europe/Berlin", "2026-03-29 03:00:00 +0200",
			"2026-03-30 02:30:00 +0200"},
		{"fixed hour that comes twice runs once", "30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00 +0200",
			"2026-10-25 02:30:00 +0200, 2026-10-26 02:30:00 +0100"},
		{"asked within the second hour", "30 2 * * *", "Europe/Berlin", "2026-10-25 02:10:00 +0100",
			"2026-10-26 02:30:00 +0100"},
		{"all minutes of a fixed hour", "*/30 2-3 * * *", "Europe/Berlin", "2026-10-25 00:00:00 +0200",
			"2026-10-25 02:00:00 +0200, 2026-10-25 02:30:00 +0200, 2026-10-25 03:00:00 +0100, 2026-10-25 03:30:00 +0100, 2026-10-26 02:00:00 +0100"},
		{"every hour goes by the time that passes, in spring", "30 * * * *", "Europe/Berlin", "2026-03-29 00:40:00 +0100",
			"2026-03-29 01:30:00 +0100, 2026-03-29 03:30:00 +0200, 2026-03-29 04:30:00 +0200"},
		{"and in autumn", "30 * * * *", "Europe/Berlin", "2026-10-25 01:00:00 +0200",
			"2026-10-25 01:30:00 +0200, 2026-10-25 02:30:00 +0200, 2026-10-25 02:30:00 +0100, 2026-10-25 03:30:00 +0100"},
		{"at the change itself", "0 * * * *", "Europe/Berlin", "2026-10-25 01:30:00 +0200",
			"2026-10-25 02:00:00 +0200, 2026-10-25 02:00:00 +0100, 2026-10-25 03:00:00 +0100"},
		{"every other hour", "0 */2 * * *", "Europe/Berlin", "2026-10-25 00:30:00 +0200",
			"2026-10-25 02:00:00 +0200, 2026-10-25 02:00:00 +0100, 2026-10-25 04:00:00 +0100"},
		{"@hourly is every hour", "@hourly", "Europe/Berlin", "2026-10-25 01:30:00 +0200",
			"2026-10-25 02:00:00 +0200, 2026-10-25 02:00:00 +0100"},
		{"@daily is at midnight", "@daily", "Europe/Berlin", "2026-03-28 12:00:00 +0100",
			"2026-03-29 00:00:00 +0100, 2026-03-30 00:00:00 +0200"},

		// New York goes from 2:00 -5 to 3:00 -4 on 8 March 2026, and from 2:00 -4 to 1:00 -5 on 1 November.
		{"New York in spring", "15 2 * * *", "America/New_York", "2026-03-07 12:00:00 -0500",
			"2026-03-08 03:00:00 -0400, 2026-03-09 02:15:00 -0400"},
		{"New York in autumn", "15 1 * * *", "America/New_York", "2026-10-31 12:00:00 -0400",
			"2026-11-01 01:15:00 -0400, 2026-11-02 01:15:00 -0500"},

		// Lord Howe goes by half an hour: from 2:00 +11 to 1:30 +10:30 on 5 April 2026, and from 2:00 +10:30 to 2:30 +11 on 4 October.
		{"Lord Howe in autumn, fixed", "45 1 * * *", "Australia/Lord_Howe", "2026-04-05 00:00:00 +1100",
			"2026-04-05 01:45:00 +1100, 2026-04-06 01:45:00 +1030"},
		{"Lord Howe in autumn, every", "*/15 * * * *", "Australia/Lord_Howe", "2026-04-05 01:20:00 +1100",
			"2026-04-05 01:30:00 +1100, 2026-04-05 01:45:00 +1100, 2026-04-05 01:30:00 +1030, 2026-04-05 01:45:00 +1030, 2026-04-05 02:00:00 +1030"},
		{"Lord Howe in autumn, every other hour", "0 */2 * * *", "Australia/Lord_Howe", "2026-04-05 01:20:00 +1100",
			"2026-04-05 02:00:00 +1030, 2026-04-05 04:00:00 +1030"},
		{"Lord Howe in spring, fixed", "10 2 * * *", "Australia/Lord_Howe", "2026-10-04 00:00:00 +1030",
			"2026-10-04 02:30:00 +1100, 2026-10-05 02:10:00 +1100"},
		{"Lord Howe in spring, every", "*/15 * * * *", "Australia/Lord_Howe", "2026-10-04 01:40:00 +1030",
			"2026-10-04 01:45:00 +1030, 2026-10-04 02:30:00 +1100"},

		// Apia left out the whole of 30 December 2011.
		{"a day that was left out", "0 12 * * *", "Pacific/Apia", "2011-12-29 00:00:00 -1000",
			"2011-12-29 12:00:00 -1000, 2011-12-31 00:00:00 +1400, 2011-12-31 12:00:00 +1400"},
		// São Paulo had no midnight on 4 November 2018.
		{"no midnight", "0 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00:00 -0300",
			"2018-11-04 01:00:00 -0200, 2018-11-05 00:00:00 -0200"},

		{"leap day", "0 0 29 2 *", "UTC", "2025-01-01 00:00:00 +0000", "2028-02-29 00:00:00 +0000"},
		{"leap day, every hour", "59 * 29 2 *", "Europe/Berlin", "2025-01-01 00:00:00 +0100", "2028-02-29 00:59:00 +0100"},
		{"never", "0 0 31 2 *", "UTC", "2025-01-01 00:00:00 +0000", "never"},
		{"never, every hour", "0 * 31 2 *", "Europe/Berlin", "2025-01-01 00:00:00 +0100", "never"},

		{"@every counts from whole minutes of the anchor", "@every 1h30m", "", "2026-01-01 12:00:30 +0000",
			"2026-01-01 13:30:00 +0000, 2026-01-01 15:00:00 +0000"},
		{"a tick is not after itself", "@every 90s", "", "2026-01-01 12:01:30 +0000", "2026-01-01 12:03:00 +0000"},
		{"before the anchor", "@every 1h", "", "2020-01-01 00:00:00 +0000", "2026-01-01 13:00:00 +0000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := parse(t, tt.schedule, tt.zone)
			at, zone := when(t, tt.after), zoneOf(t, tt.zone)
			var got []string
			for range strings.Split(tt.want, ", ") {
				before := at
				if at = s.Next(at); at.IsZero() {
					got = append(got, "never")
					continue
				}
				got = append(got, at.In(zone).Format(layout))
				if last := s.Last(before, at); !last.Equal(at) {
					t.Errorf("the last tick until %s is %s", at, last)
				}
			}
			if joined := strings.Join(got, ", "); joined != tt.want {
				t.Errorf("ticks are\n%s\nwant\n%s", joined, tt.want)
			}
		})
	}
}

// TestLast asks for the last tick of long times.
func TestLast(t *testing.T) {
	for _, tt := range []struct{ schedule, zone, after, until, want string }{
		{"* * * * *", "UTC", "1990-01-01 00:00:00 +0000", "2026-01-01 12:00:30 +0000", "2026-01-01 12:00:00 +0000"},
		{"* * * 1 *", "UTC", "1990-01-01 00:00:00 +0000", "2026-12-24 00:00:00 +0000", "2026-01-31 23:59:00 +0000"},
		{"30 2 * * *", "Europe/Berlin", "2000-01-01 00:00:00 +0000", "2026-03-29 09:00:00 +0200", "2026-03-29 01:00:00 +0000"},
		{"0 0 29 2 *", "UTC", "2001-01-01 00:00:00 +0000", "2026-01-01 00:00:00 +0000", "2024-02-29 00:00:00 +0000"},
		{"@every 7s", "", "2026-01-01 12:00:00 +0000", "2036-01-01 12:00:00 +0000", "2036-01-01 11:59:58 +0000"},
		{"0 12 * * *", "UTC", "2026-01-01 12:00:00 +0000", "2026-01-02 11:59:59 +0000", "0001-01-01 00:00:00 +0000"}, // what is at the start is before it
		{"0 12 * * *", "UTC", "2026-01-01 11:59:59 +0000", "2026-01-01 12:00:00 +0000", "2026-01-01 12:00:00 +0000"},
		{"0 12 * * *", "UTC", "2026-01-02 00:00:00 +0000", "2026-01-01 00:00:00 +0000", "0001-01-01 00:00:00 +0000"},
		{"0 0 31 2 *", "UTC", "2001-01-01 00:00:00 +0000", "2026-01-01 00:00:00 +0000", "0001-01-01 00:00:00 +0000"},
	} {
		s, asked := parse(t, tt.schedule, tt.zone), 0
		next := s.next
		s.next = func(t time.Time) time.Time { asked++; return next(t) }
		if got := s.Last(when(t, tt.after), when(t, tt.until)).Format(layout); got != tt.want {
			t.Errorf("the last tick of %q from %s to %s is %s, want %s", tt.schedule, tt.after, tt.until, got, tt.want)
		}
		if asked > 150 {
			t.Errorf("%q took %d steps", tt.schedule, asked)
		}
	}
}

// TestOrder holds for all schedules: ticks get later, and the last before a time is the one that comes after those before.
func TestOrder(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"} {
		for _, text := range []string{"*/20 * * * *", "*/20 1-3 * * *", "17 */3 * * 0", "@weekly", "@every 100m"} {
			s := parse(t, text, zone)
			start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			end, previous, n := start.AddDate(1, 0, 0), time.Time{}, 0
			for at := s.Next(start); at.Before(end); at = s.Next(at) {
				if !at.After(previous) {
					t.Fatalf("%s in %s: %s does not come after %s", text, zone, at, previous)
				}
				if n++; n%97 != 1 { // of some, to be quick
					previous = at
					continue
				}
				if last := s.Last(start, at.Add(-time.Nanosecond)); !last.Equal(previous) {
					t.Fatalf("%s in %s: before %s comes %s, and %s was told", text, zone, at, previous, last)
				}
				previous = at
			}
		}
	}
}

func BenchmarkLast(b *testing.B) {
	s, err := Parse("*/5 * * * *", "Europe/Berlin", time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	since := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		s.Last(since, since.AddDate(6, 0, 0))
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ schedule, zone, want string }{
		{"* * * *", "", "cannot be read"},
		{"61 * * * *", "", "cannot be read"},
		{"@every never", "", "cannot be read"},
		{"TZ=Asia/Tokyo * * * * *", "", "timeZone"},
		{"* * * * *", "Europe/Atlantis", "Europe/Berlin"},
	} {
		if _, err := Parse(tt.schedule, tt.zone, time.Time{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q in %q: %v, want %q", tt.schedule, tt.zone, err, tt.want)
		}
	}
}

func TestRunNames(t *testing.T) {
	for _, tt := range []struct{ tick, name string }{
		{"2026-01-01 12:00:00 +0000", "29454480"},
		{"2026-01-01 12:00:30 +0000", "s1767268830"},
	} {
		tick := when(t, tt.tick)
		if got := RunName(tick); got != tt.name {
			t.Errorf("the run of %s is %s, want %s", tick, got, tt.name)
		}
		if back, ok := TickOf(tt.name); !ok || !back.Equal(tick) {
			t.Errorf("%s is of %s, %v", tt.name, back, ok)
		}
	}
	if got := ManualRunName("try-1"); got != "mtry_1" {
		t.Errorf("by hand: %s", got)
	}
	for _, name := range []string{"m1", "mtry_1", "", "s", "x12"} {
		if tick, ok := TickOf(name); ok {
			t.Errorf("%q is of %s", name, tick)
		}
	}
}

func parse(t *testing.T, text, zone string) *Schedule {
	t.Helper()
	s, err := Parse(text, zone, time.Date(2026, 1, 1, 12, 0, 17, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func when(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
