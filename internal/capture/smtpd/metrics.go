package smtpd

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// counters are the metrics of this package.
type counters struct {
	connections *prometheus.CounterVec // by result
	sessions    prometheus.Gauge
	messages    *prometheus.CounterVec // by source and class of reply
	bytes       *prometheus.CounterVec // by source
}

func newCounters(registry prometheus.Registerer) (*counters, error) {
	options := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Subsystem: step, Name: name, Help: help}
	}
	c := &counters{
		connections: prometheus.NewCounterVec(options("connections_total", "Connections by what became of them: admitted, refused (network), turned_away (too many)."), []string{"result"}),
		sessions:    prometheus.NewGauge(prometheus.GaugeOpts(options("sessions", "Sessions open now."))),
		messages:    prometheus.NewCounterVec(options("messages_total", "Messages by the class of their answer: 2xx archived, 4xx try again, 5xx refused."), []string{"source", "class"}),
		bytes:       prometheus.NewCounterVec(options("bytes_total", "Bytes of archived messages."), []string{"source"}),
	}
	if registry == nil {
		return c, nil
	}
	for _, metric := range []prometheus.Collector{c.connections, c.sessions, c.messages, c.bytes} {
		if err := registry.Register(metric); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// message counts one that was answered with code; size is 0 unless stored.
func (c *counters) message(source string, code int, size int64) {
	c.messages.WithLabelValues(source, strconv.Itoa(code/100)+"xx").Inc()
	c.bytes.WithLabelValues(source).Add(float64(size))
}
