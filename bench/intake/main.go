// Command intake compares durable SMTP intake side by side in one run: the
// archive, Postfix's smtpd with the discard transport, and smtp-sink, which
// stores nothing. It prints messages a second (median of the rounds) and the
// ratios of each round's neighbours.
//
//	go run ./bench/intake -archive ./mail-archive [-rounds 5] [-seconds 3]
//
// It needs root (Postfix) and the programs of Debian's package postfix.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const messageSize = 10240 // bytes, as the issue asks: smtp-source -l 10240

// peer is a server that takes mail at an address.
type peer struct {
	name    string
	address string
}

func main() {
	log.SetFlags(0)
	defer func() { // after the servers were stopped
		if fault := recover(); fault != nil {
			log.Fatal(fault)
		}
	}()
	archive := flag.String("archive", "./mail-archive", "the binary to measure")
	rounds := flag.Int("rounds", 5, "rounds, each with all servers in turn")
	seconds := flag.Float64("seconds", 3, "how long one measurement lasts, about")
	only := flag.String("only", "", "measure only this server: archive, postfix or sink")
	flag.Parse()
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")

	folder, err := os.MkdirTemp("/var/tmp", "mail-archive-bench-")
	check(err)
	check(os.Chmod(folder, 0o755))
	var stops []func()
	defer func() {
		for _, stop := range stops {
			stop()
		}
		os.RemoveAll(folder)
	}()
	var peers []peer
	for _, start := range []struct {
		name  string
		start func(string) (string, func())
	}{
		{"archive", func(f string) (string, func()) { return startArchive(f, *archive) }},
		{"postfix", startPostfix},
		{"sink", startSink},
	} {
		if *only != "" && *only != start.name {
			continue
		}
		address, stop := start.start(folder)
		stops = append(stops, stop)
		await(address)
		peers = append(peers, peer{start.name, address})
	}
	fmt.Printf("fsync of an append of 10 kB: %s\n\n", syncTime(folder))
	fmt.Println("| connections | connection kept (-d) | " + names(peers) + " | archive/postfix | archive/sink |")
	fmt.Println("|---|---|" + strings.Repeat("---|", len(peers)+2))
	for _, keep := range []bool{true, false} {
		for _, connections := range []int{1, 8, 32} {
			measure(peers, connections, keep, *rounds, *seconds)
		}
	}
}

func names(peers []peer) string {
	var n []string
	for _, p := range peers {
		n = append(n, p.name+" msg/s")
	}
	return strings.Join(n, " | ")
}

// measure runs the rounds of one line of the table and prints it.
func measure(peers []peer, connections int, keep bool, rounds int, seconds float64) {
	counts := map[string]int{}
	for _, p := range peers { // a first look, not counted, says how many make the time
		rate := send(p.address, connections, keep, 40*connections+100)
		counts[p.name] = max(connections, int(rate*seconds))
	}
	rates := map[string][]float64{}
	for range rounds {
		for _, p := range peers {
			rates[p.name] = append(rates[p.name], send(p.address, connections, keep, counts[p.name]))
		}
	}
	kept := "no"
	if keep {
		kept = "yes"
	}
	line := fmt.Sprintf("| %d | %s |", connections, kept)
	for _, p := range peers {
		line += fmt.Sprintf(" %.0f |", median(rates[p.name]))
	}
	line += ratio(rates["archive"], rates["postfix"]) + ratio(rates["archive"], rates["sink"])
	fmt.Println(line)
}

func ratio(a, b []float64) string {
	if len(a) == 0 || len(b) == 0 {
		return " - |"
	}
	var r []float64
	for i := range a {
		r = append(r, a[i]/b[i])
	}
	return fmt.Sprintf(" %.2f |", median(r))
}

func median(v []float64) float64 {
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	return s[len(s)/2]
}

// send lets smtp-source hand in so many messages and returns the rate.
func send(address string, connections int, keep bool, messages int) float64 {
	args := []string{"-l", strconv.Itoa(messageSize), "-s", strconv.Itoa(connections), "-m", strconv.Itoa(messages),
		"-f", "bench@local.example", "-t", "bench@local.example"}
	if keep {
		args = append(args, "-d")
	}
	begun := time.Now()
	if out, err := exec.Command("smtp-source", append(args, address)...).CombinedOutput(); err != nil {
		log.Panicf("smtp-source: %v %s", err, out)
	}
	return float64(messages) / time.Since(begun).Seconds()
}

func startArchive(folder, binary string) (string, func()) {
	address := free()
	cmd := exec.Command(binary, "serve", "--data", filepath.Join(folder, "archive"), "--smtp", address, "--lmtp", "", "--http", "")
	logFile, err := os.Create(filepath.Join(folder, "archive.log")) // a line for each message, as Postfix writes
	check(err)
	cmd.Stderr = logFile
	return address, run(cmd)
}

func startSink(string) (string, func()) {
	address := free()
	cmd := exec.Command("smtp-sink", "-u", "nobody", address, "1000")
	cmd.Stderr = os.Stderr
	return address, run(cmd)
}

// run starts a server and returns what ends it.
func run(cmd *exec.Cmd) func() {
	check(cmd.Start())
	return func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	}
}

func startPostfix(folder string) (string, func()) {
	address := free()
	host, port, _ := net.SplitHostPort(address)
	base := filepath.Join(folder, "postfix")
	for _, d := range []string{"", "etc", "queue", "data"} {
		check(os.Mkdir(filepath.Join(base, d), 0o755))
	}
	if out, err := exec.Command("chown", "postfix", filepath.Join(base, "data")).CombinedOutput(); err != nil {
		log.Panicf("chown: %v %s", err, out)
	}
	write(base, "main.cf", fmt.Sprintf(`compatibility_level = 3.6
myhostname = mx.local.example
mydestination =
virtual_mailbox_domains = local.example
virtual_transport = discard:
mynetworks = 127.0.0.0/8
inet_interfaces = %s
inet_protocols = ipv4
queue_directory = %s/queue
data_directory = %s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = %s/log
maillog_file_prefixes = /var/tmp
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
disable_dns_lookups = yes
alias_maps =
alias_database =
`, host, base, base, base))
	write(base, "master.cf", port+` inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
`)
	config := filepath.Join(base, "etc")
	if out, err := exec.Command("postfix", "-c", config, "start").CombinedOutput(); err != nil {
		log.Panicf("postfix start: %v %s", err, out)
	}
	return address, func() { exec.Command("postfix", "-c", config, "stop").Run() }
}

func write(base, name, content string) {
	check(os.WriteFile(filepath.Join(base, "etc", name), []byte(content), 0o644))
}

func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer l.Close()
	return l.Addr().String()
}

// await returns when the server greets.
func await(address string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			continue
		}
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = c.Read(make([]byte, 1))
		c.Close()
		if err == nil {
			return
		}
	}
	log.Panicf("nobody answers at %s", address)
}

// syncTime measures one append and sync, the least that a durable yes costs.
func syncTime(folder string) time.Duration {
	f, err := os.Create(filepath.Join(folder, "sync"))
	check(err)
	defer f.Close()
	b := make([]byte, messageSize)
	var all []float64
	for range 200 {
		begun := time.Now()
		_, err := f.Write(b)
		check(err)
		check(f.Sync())
		all = append(all, float64(time.Since(begun)))
	}
	return time.Duration(median(all)).Round(time.Microsecond)
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}
