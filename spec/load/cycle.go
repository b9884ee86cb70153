package load

import (
	"fmt"
	"slices"
	"strings"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/native"
)

// link is what makes one object wait for another, and where that is written.
type link struct {
	from spec.Object
	to   spec.Key
	at   Problem // without its message
}

func (l *loader) linked(d *native.Document) {
	for _, ref := range spec.Links(d.Object) {
		line, column := d.Position(ref.Field)
		l.links = append(l.links, &link{d.Object, ref.To, Problem{l.path, line, column, ref.Field, ""}})
	}
}

// waits is who waits for whom.
type waits map[spec.Key][]*link

// cycles finds what waits for itself, over the objects of all files: none of it could ever begin. Each link of a cycle is a problem
// of its file.
func cycles(files []FileResult) []Problem {
	graph := waits{}
	for _, f := range files {
		for _, l := range f.links {
			graph[l.from.Key()] = append(graph[l.from.Key()], l)
		}
	}
	if len(graph) == 0 {
		return nil
	}
	knots, told := graph.knots(), map[*link]string{}
	var problems []Problem
	for _, f := range files {
		n := len(problems)
		for _, l := range f.links {
			if knot, in := knots[l.from.Key()]; !in || knots[l.to] != knot || len(problems) == n+maxProblems {
				continue
			}
			if told[l] == "" {
				tell(told, append([]*link{l}, graph.path(l.to, l.from.Key())...))
			}
			p := l.at
			p.Message = "makes a cycle: " + told[l] + "; remove one of these"
			problems = append(problems, p)
		}
	}
	return problems
}

// knots numbers the sets of objects that all wait for each other; what is in no cycle is left out. It is Tarjan's algorithm, so that
// the cost grows with the number of links, and no faster.
func (w waits) knots() map[spec.Key]int {
	t := tarjan{waits: w, low: map[spec.Key]int{}, knots: map[spec.Key]int{}}
	for from := range w {
		if t.low[from] == 0 {
			t.visit(from)
		}
	}
	return t.knots
}

type tarjan struct {
	waits
	low   map[spec.Key]int // the order of the visit, then of the first that is reached from there; done is out of it
	next  int
	stack []spec.Key
	knots map[spec.Key]int
}

// done is the order of what is in no knot that is still open.
const done = 1 << 62

func (t *tarjan) visit(k spec.Key) {
	t.next++
	order, bottom, self := t.next, len(t.stack), false
	t.low[k] = order
	t.stack = append(t.stack, k)
	for _, l := range t.waits[k] {
		if t.low[l.to] == 0 {
			t.visit(l.to)
		}
		t.low[k] = min(t.low[k], t.low[l.to])
		self = self || l.to == k
	}
	if t.low[k] != order {
		return
	}
	knot := t.stack[bottom:]
	for _, member := range knot {
		t.low[member] = done
		if len(knot) > 1 || self {
			t.knots[member] = order
		}
	}
	t.stack = t.stack[:bottom]
}

// path is a shortest way from one object to another; empty where they are the same, or there is none.
func (w waits) path(from, to spec.Key) []*link {
	reached := map[spec.Key]*link{from: nil}
	for queue := []spec.Key{from}; len(queue) > 0 && queue[0] != to; queue = queue[1:] {
		for _, l := range w[queue[0]] {
			if _, seen := reached[l.to]; !seen {
				reached[l.to] = l
				queue = append(queue, l.to)
			}
		}
	}
	var path []*link
	for l := reached[to]; l != nil; l = reached[l.from.Key()] {
		path = append(path, l)
	}
	slices.Reverse(path)
	return path
}

// maxSteps is how many objects of a cycle are printed.
const maxSteps = 12

// tell prints a cycle for each of its links that has none yet, beginning there.
func tell(told map[*link]string, cycle []*link) {
	for i, l := range cycle {
		if told[l] == "" {
			told[l] = printCycle(cycle, i)
		}
	}
}

// printCycle writes a -> b -> a from one of its links on, each but the last with its place.
func printCycle(cycle []*link, first int) string {
	var b strings.Builder
	for i := range min(len(cycle), maxSteps) {
		from := cycle[(first+i)%len(cycle)].from
		fmt.Fprintf(&b, "%s (%s) -> ", from.Key(), from.Source())
	}
	if more := len(cycle) - maxSteps; more > 0 {
		fmt.Fprintf(&b, "%d more -> ", more)
	}
	return b.String() + cycle[first].from.Key().String()
}
