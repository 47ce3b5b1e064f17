package control

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

func (s *Server) volume(a *answer, r *http.Request, scope access.Scope) {
	values := r.URL.Query()
	var bounds [2]time.Time
	for i, name := range []string{"since", "before"} {
		var err error
		if text := values.Get(name); text != "" {
			bounds[i], err = time.Parse(time.RFC3339Nano, text)
		}
		if err != nil {
			a.end(nil, fmt.Errorf("%s: %w: %w", name, err, mail.ErrBadInput))
			return
		}
	}
	periods, err := s.Archive.Volume(r.Context(), scope, catalog.Unit(values.Get("unit")), bounds[0], bounds[1])
	a.end(periods, err)
}

func (s *Server) top(a *answer, r *http.Request, scope access.Scope) {
	values := r.URL.Query()
	limit, err := strconv.Atoi(values.Get("limit"))
	if err != nil || limit < 1 {
		a.end(nil, fmt.Errorf("limit %q: %w", values.Get("limit"), mail.ErrBadInput))
		return
	}
	tallies, err := s.Archive.Top(r.Context(), scope, catalog.Dimension(values.Get("of")), limit)
	a.end(tallies, err)
}

// Volume asks the server.
func (c *Client) Volume(ctx context.Context, scope access.Scope, unit catalog.Unit, since, before time.Time) (periods []catalog.Period, err error) {
	if err := checkScope(scope); err != nil {
		return nil, err
	}
	values := url.Values{"unit": {string(unit)}}
	for name, t := range map[string]time.Time{"since": since, "before": before} {
		if !t.IsZero() {
			values.Set(name, t.Format(time.RFC3339Nano))
		}
	}
	err = c.call(ctx, http.MethodGet, "volume", values, &periods)
	return periods, err
}

// Top asks the server.
func (c *Client) Top(ctx context.Context, scope access.Scope, of catalog.Dimension, limit int) (tallies []catalog.Tally, err error) {
	if err := checkScope(scope); err != nil {
		return nil, err
	}
	err = c.call(ctx, http.MethodGet, "top", url.Values{"of": {string(of)}, "limit": {strconv.Itoa(limit)}}, &tallies)
	return tallies, err
}
