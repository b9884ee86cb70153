package notify

import "github.com/prometheus/client_golang/prometheus"

// The results of berth_notifications_total.
const (
	resultDelivered = "delivered"
	resultFailed    = "failed"  // given up, or refused for good
	resultDropped   = "dropped" // the queue was full, or the agent ended, or the notification went
	resultDeduped   = "deduped" // the same was told a short while ago
	resultLimited   = "limited" // over the rate limit
)

// metrics have no label with a name in it, so that their number is bounded.
type metrics struct{ total *prometheus.CounterVec }

func newMetrics(r prometheus.Registerer, waiting func() int) *metrics {
	m := &metrics{total: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "berth_notifications_total",
		Help: "Notifications, by result: delivered, failed, dropped, deduped or limited."}, []string{"result"})}
	queue := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "berth_notification_queue", Help: "Notifications that wait for their delivery."},
		func() float64 { return float64(waiting()) })
	if r != nil {
		r.MustRegister(m.total, queue)
	}
	return m
}

func (m *metrics) count(result string, n int) { m.total.WithLabelValues(result).Add(float64(n)) }
