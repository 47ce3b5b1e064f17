package test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// postfix is a Postfix of its own, with its own configuration, queue and port.
type postfix struct {
	t       *testing.T
	config  string
	address string
	log     string
}

// startPostfix runs Postfix as root with these lines added to its main.cf and
// master.cf. Mail for local.example ends in discard: the archive gets copies.
func startPostfix(t *testing.T, mainCf, master string) *postfix {
	t.Helper()
	needs(t, "postconf", "postfix", "swaks")
	asRoot(t, "run Postfix")
	// Postfix's processes run as another user and must reach their queue.
	folder, err := os.MkdirTemp("/var/tmp", "mail-archive-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &postfix{t: t, config: filepath.Join(folder, "etc"), address: port(t), log: filepath.Join(folder, "log")}
	for _, d := range []string{"etc", "queue", "data"} {
		if err := os.Mkdir(filepath.Join(folder, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "postfix", filepath.Join(folder, "data")).CombinedOutput(); err != nil {
		t.Fatalf("chown: %v %s", err, out)
	}
	host, portNumber, _ := strings.Cut(p.address, ":")
	p.write("main.cf", fmt.Sprintf(`compatibility_level = 3.6
myhostname = mx.local.example
mydestination =
virtual_mailbox_domains = local.example
virtual_transport = discard:
virtual_alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = %s
inet_protocols = ipv4
queue_directory = %s/queue
data_directory = %s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = %s
maillog_file_prefixes = /var/tmp
smtputf8_enable = yes
smtpd_peername_lookup = no
smtp_host_lookup = native
disable_dns_lookups = yes
alias_maps =
alias_database =
%s
`, host, folder, folder, p.log, mainCf))
	p.write("master.cf", fmt.Sprintf(`%s inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
%s
`, portNumber, master))
	p.control("start")
	t.Cleanup(func() { p.control("stop") })
	await(t, "Postfix answers", 30*time.Second, func() bool {
		c, err := dial(p.address)
		if err != nil {
			return false
		}
		c.conn.Close()
		return true
	})
	return p
}

func (p *postfix) write(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.config, name), []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *postfix) control(verb string) {
	p.t.Helper()
	if out, err := exec.Command("postfix", "-c", p.config, verb).CombinedOutput(); err != nil {
		log, _ := os.ReadFile(p.log)
		p.t.Errorf("postfix %s: %v %s\n%s", verb, err, out, log)
	}
}

func swaks(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("swaks", args...).CombinedOutput(); err != nil {
		t.Fatalf("swaks: %v\n%s", err, out)
	}
}

func TestSwaksIsFoundWithinTwoSeconds(t *testing.T) {
	needs(t, "swaks")
	s := serve(t, t.TempDir())
	swaks(t, "--server", s.smtp, "--from", "ann@local.example", "--to", "bob@local.example",
		"--header", "Subject: the quarterly figures", "--body", "Please find Quellensteuer attached.")
	h := s.found("quarterly Quellensteuer", 1, 2*time.Second)[0]
	if h.Subject != "the quarterly figures" || len(h.DeliveredTo) != 1 || h.DeliveredTo[0] != "bob@local.example" {
		t.Errorf("hit is %+v", h)
	}
	swaks(t, "--server", s.lmtp, "--protocol", "LMTP", "--from", "ann@local.example", "--to", "bob@local.example,cee@local.example",
		"--header", "Subject: by LMTP")
	if h := s.found(`subject:"by LMTP"`, 1, 2*time.Second)[0]; len(h.DeliveredTo) != 2 {
		t.Errorf("hit is %+v", h)
	}
	swaks(t, "--server", s.smtp, "--tls", "--from", "ann@local.example", "--to", "bob@local.example", "--header", "Subject: under TLS")
	s.found(`subject:"under TLS"`, 1, 2*time.Second)
}

// TestPostfix lets a real Postfix deliver copies in the two ways that need no
// filter: always_bcc, and a transport that carries journal mail.
func TestPostfix(t *testing.T) {
	for _, mode := range []string{"always_bcc", "journal"} {
		t.Run(mode, func(t *testing.T) {
			s := serve(t, t.TempDir())
			mainCf := "always_bcc = archive@archive.example\ntransport_maps = inline:{ archive.example=smtp:[127.0.0.1]:" + portOf(s.smtp) + " }"
			master := ""
			if mode == "journal" {
				mainCf = "recipient_bcc_maps = pcre:" + "{ {/^(.*)@(local\\.example)$/ $1+$2@journal.example} }\n" +
					"transport_maps = inline:{ journal.example=journal:[127.0.0.1]:" + portOf(s.smtp) + " }"
				master = "journal unix - - n - - smtp\n  -o smtp_destination_recipient_limit=1000"
				needs(t, "postmap")
				if out, err := exec.Command("postconf", "-m").Output(); err != nil || !strings.Contains(string(out), "pcre") {
					t.Skip("NOT RUN: postfix-pcre is not installed")
				}
			}
			p := startPostfix(t, mainCf, master)
			swaks(t, "--server", p.address, "--from", "ann@local.example", "--to", "bob@local.example",
				"--header", "Subject: through Postfix by "+mode, "--body", "wanted: Dampfmaschine")
			h := s.found("Dampfmaschine", 1, 10*time.Second)[0]
			want := "archive@archive.example"
			if mode == "journal" {
				want = "bob+local.example@journal.example"
			}
			if len(h.DeliveredTo) != 1 || h.DeliveredTo[0] != want {
				t.Errorf("delivered to %q, want %q", h.DeliveredTo, want)
			}
			content := s.raw(h.ID)
			if !bytes.Contains(content, []byte("wanted: Dampfmaschine\r\n")) || !bytes.Contains(content, []byte("by mx.local.example (Postfix)")) {
				t.Errorf("message is not as Postfix sends it:\n%s", content)
			}
		})
	}
}

// TestPostfixWaitsWhileTheArchiveIsDown shows that a stopped archive costs
// nothing but time: Postfix keeps the copy and brings it later.
func TestPostfixWaitsWhileTheArchiveIsDown(t *testing.T) {
	s := serve(t, t.TempDir())
	p := startPostfix(t, "always_bcc = archive@archive.example\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\nqueue_run_delay = 1s\n"+
		"transport_maps = inline:{ archive.example=smtp:[127.0.0.1]:"+portOf(s.smtp)+" }", "")
	s.kill()
	swaks(t, "--server", p.address, "--from", "ann@local.example", "--to", "bob@local.example", "--header", "Subject: while it was down")
	await(t, "Postfix defers the copy", 20*time.Second, func() bool {
		log, err := os.ReadFile(p.log)
		return err == nil && bytes.Contains(log, []byte("status=deferred"))
	})
	s.start()
	p.control("flush")
	s.found(`subject:"while it was down"`, 1, 30*time.Second)
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
