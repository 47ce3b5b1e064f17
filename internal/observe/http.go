package observe

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Limits of the HTTP server. Requests here have no body worth waiting for.
const (
	headerPatience   = 10 * time.Second
	requestPatience  = 30 * time.Second
	responsePatience = time.Minute
	idlePatience     = 2 * time.Minute
	maxHeader        = 64 << 10
	stopPatience     = 5 * time.Second
)

// NewMux returns a mux with
//
//	/metrics   the registry, for Prometheus
//	/healthz   200 while the process lives
//	/readyz    200 when all checks pass, else 503, and each check as JSON
//
// Others may add their pages to it.
func NewMux(registry *prometheus.Registry, checks *Checks) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		results, ready := checks.Run(r.Context())
		status := http.StatusOK
		if !ready {
			status = http.StatusServiceUnavailable
		}
		writeJSON(w, status, readiness{Ready: ready, Checks: results})
	})
	return mux
}

// readiness is the body of /readyz.
type readiness struct {
	Ready  bool     `json:"ready"`
	Checks []Result `json:"checks"`
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A client that went away is no concern of ours.
	_ = json.NewEncoder(w).Encode(body)
}

// Serve answers on the listener until ctx ends, then lets requests under way
// finish for five seconds. It closes the listener. The error is nil after a
// stop by ctx.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerPatience,
		ReadTimeout:       requestPatience,
		WriteTimeout:      responsePatience,
		IdleTimeout:       idlePatience,
		MaxHeaderBytes:    maxHeader,
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		if server.Shutdown(patience) != nil {
			server.Close()
		}
	})
	err := server.Serve(listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return errors.Join(err, server.Close())
}
