package web

import (
	"net/http"
	"testing"
	"time"

	"mailarchive/internal/control"
)

func TestOverview(t *testing.T) {
	l := newLab(t)
	body := l.get("/overview", l.signIn("root")).Body.String()
	want(t, "page", body,
		"4 s ago", "12,345 = 12,345", "13,000 arrivals", `5.0 <small>GB`, `2.0 <small>GB`, "2.5 to 1",
		`class="bar-out"`, `class="bar-int"`, `class="bar-dim"`, "14:00: 12 messages", "ann@example.org", `href="/search?q=from%3Aann%40example.org"`,
		`href="/search?q=date%3A2026-11"`,
	)
}

func TestOverviewWhenSomethingIsWrong(t *testing.T) {
	l := newLab(t)
	percent := 40
	l.archive.stats = control.Stats{Stored: 10, Indexed: 7, Notice: "The index is being made again.", Remaking: &percent, Torn: 2}
	want(t, "page", l.get("/overview", l.signIn("root")).Body.String(),
		"3 messages are not searchable yet", "No message has come yet", "The index is being made again.", "40 %", "Index behind the vault")
}

// Counts are asked for once a moment, however many pages show them; a failure
// is not remembered.
func TestCountsAreRemembered(t *testing.T) {
	l := newLab(t)
	root := l.signIn("root")
	l.archive.err = errTest
	if w := l.get("/overview", root); w.Code != http.StatusInternalServerError {
		t.Errorf("status %d", w.Code)
	}
	l.archive.err = nil
	want(t, "page", l.get("/overview", root).Body.String(), "12,345 = 12,345")
	l.archive.stats.Stored = 99
	want(t, "page at once", l.get("/overview", root).Body.String(), "12,345")
	l.now = l.now.Add(fresh + time.Second)
	want(t, "page later", l.get("/overview", root).Body.String(), "!12,345 =")
}

func TestChart(t *testing.T) {
	l := newLab(t)
	v := &visit{s: l.server, words: l.server.locales.list[0]}
	bars := []bar{{Label: "a", Total: 10, Out: 4, Internal: 1}, {Label: "b"}, {Label: "c", Total: 30}}
	c := v.newChart(bars, true)
	if c.Top != 40 || c.Width != 30 || c.Most.Label != "c" || c.Empty || c.Scale[0] != "40" || c.Scale[1] != "20" {
		t.Errorf("%+v", c)
	}
	first := c.Bars[0].Rects
	if len(first) != 3 || first[0] != (rect{Class: "bar", X: 1, Width: barWidth, Y: "87.5", Height: "12.5", total: 5, height: 12.5}) || first[2].Y != "75.0" {
		t.Errorf("%+v", first)
	}
	if len(c.Bars[1].Rects) != 0 {
		t.Errorf("nothing is drawn as %+v", c.Bars[1].Rects)
	}
	if !v.newChart(make([]bar, 3), false).Empty {
		t.Error("a chart of nothing is not empty")
	}
	for most, top := range map[int]int{0: 2, 1: 2, 3: 4, 5: 6, 9: 10, 11: 20, 45: 60, 100: 100, 812: 1000} {
		if got := niceTop(most); got != top {
			t.Errorf("the scale of %d ends at %d, want %d", most, got, top)
		}
	}
}
