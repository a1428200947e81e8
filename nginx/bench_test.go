package nginx

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func BenchmarkRender(b *testing.B) {
	for _, era := range []string{"", "18.11"} {
		b.Run("era="+era, func(b *testing.B) {
			site := fullSite(era)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Render(site, Target{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	text, err := Render(fullSite("18.11"), Target{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Check("vhost", []byte(text), Target{})
	}
}

// lane is one vhost of the paired throughput run.
type lane struct {
	name  string
	port  int
	rates []float64 // requests per second, one per round
}

// BenchmarkThroughput measures small requests through the generated vhost and
// through hand-written minimal proxies on the same nginx, in turns of a quarter
// of a second: A B C D, D C B A, and so on, one round per iteration. Each round
// gives one ratio, and the median of the ratios is reported, so that a noisy
// neighbour hits all lanes alike.
//
// Run it with: go test ./nginx -run xxx -bench Throughput -benchtime 41x
func BenchmarkThroughput(b *testing.B) {
	dir := b.TempDir()
	backend := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"OK"}`)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go backend.Serve(l)
	defer backend.Close()
	addr := l.Addr().String()
	lanes := []*lane{{name: "minimal"}, {name: "keepalive"}, {name: "standalone"}, {name: "gitlab"}}
	for _, x := range lanes {
		x.port = freePort(b)
	}
	// nginx ends a client's connection after 1,000 requests otherwise.
	text := "keepalive_requests 100000000;\n" + fmt.Sprintf("server { listen 127.0.0.1:%d; location / { proxy_pass http://%s; } }\n", lanes[0].port, addr) +
		fmt.Sprintf("upstream up { server %s; keepalive 32; }\nserver { listen 127.0.0.1:%d; location / { proxy_http_version 1.1; "+
			"proxy_set_header Connection \"\"; proxy_pass http://up; } }\n", addr, lanes[1].port)
	for i, era := range []string{"", "18.11"} {
		site := &Site{Era: era, Host: "chat.example.com", Port: 80, Listen: []string{"127.0.0.1"}, ListenPort: lanes[2+i].port,
			Upstream: Upstream{Addresses: []string{addr}}, Log: Log{Dir: dir}}
		main, err := MainConfig(site, localTarget(b))
		if err != nil {
			b.Fatal(err)
		}
		vhost, err := Render(site, localTarget(b))
		if err != nil {
			b.Fatal(err)
		}
		text += main + vhost
	}
	startNginx(b, dir, text, lanes[0].port)
	for _, x := range lanes {
		load(b, x.port, 200*time.Millisecond) // warm
	}
	for round := range b.N {
		order := slices.Clone(lanes)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, x := range order {
			x.rates = append(x.rates, load(b, x.port, 250*time.Millisecond))
		}
	}
	for _, x := range lanes {
		b.ReportMetric(median(x.rates), x.name+"-req/s")
	}
	b.ReportMetric(ratio(lanes[2], lanes[0]), "standalone/minimal")
	b.ReportMetric(ratio(lanes[2], lanes[1]), "standalone/keepalive")
	b.ReportMetric(ratio(lanes[3], lanes[0]), "gitlab/minimal")
	b.ReportMetric(0, "ns/op")
}

func ratio(a, c *lane) float64 {
	var list []float64
	for i := range a.rates {
		list = append(list, a.rates[i]/c.rates[i])
	}
	return median(list)
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// load sends small requests over 16 kept-alive connections and returns the
// answers per second. An answer that is not the backend's is a failure.
func load(b *testing.B, port int, d time.Duration) float64 {
	var done atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range 16 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			r := bufio.NewReader(conn)
			for time.Since(start) < d {
				if _, err := io.WriteString(conn, "GET /api/v4/system/ping HTTP/1.1\r\nHost: chat.example.com\r\nAccept-Encoding: gzip\r\n\r\n"); err != nil {
					b.Error(err)
					return
				}
				if body, err := answer(r); err != nil || body != `{"status":"OK"}` {
					b.Errorf("answer %q, %v", body, err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

// answer reads one small response without net/http's overhead.
func answer(r *bufio.Reader) (string, error) {
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == "\r\n" {
			break
		}
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if length, err = strconv.Atoi(strings.TrimSpace(v)); err != nil {
				return "", err
			}
		}
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return string(body), err
}
