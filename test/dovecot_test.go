package test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// dovecot is a Dovecot of its own that takes mail by LMTP for every address of
// local.example and puts it into Maildirs.
type dovecot struct {
	t       *testing.T
	lmtp    string // address
	folder  string
	process *exec.Cmd
}

func startDovecot(t *testing.T) *dovecot {
	t.Helper()
	needs(t, "dovecot")
	if _, err := os.Stat("/usr/lib/dovecot/lmtp"); err != nil {
		t.Skip("NOT RUN: dovecot-lmtpd is not installed (as root, make packages installs it)")
	}
	asRoot(t, "run Dovecot")
	folder, err := os.MkdirTemp("/var/tmp", "mail-archive-dovecot-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	d := &dovecot{t: t, lmtp: port(t), folder: folder}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	mail := filepath.Join(folder, "mail")
	if err := os.Mkdir(mail, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chown", "mail:mail", mail).CombinedOutput(); err != nil {
		t.Fatalf("chown: %v %s", err, out)
	}
	host, number, err := net.SplitHostPort(d.lmtp)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "dovecot.conf")
	if err := os.WriteFile(config, []byte(fmt.Sprintf(`
base_dir = %[1]s/run
log_path = %[1]s/log
protocols = lmtp
ssl = no
mail_location = maildir:%[1]s/mail/%%n
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
lmtp_save_to_detail_mailbox = no
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=mail gid=mail home=%[1]s/mail/%%n allow_all_users=yes
}
service lmtp {
  inet_listener lmtp {
    address = %[2]s
    port = %[3]s
  }
}
`, folder, host, number)), 0o644); err != nil {
		t.Fatal(err)
	}
	d.process = exec.Command("dovecot", "-F", "-c", config)
	if err := d.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.process.Process.Signal(os.Interrupt)
		d.process.Wait()
	})
	await(t, "Dovecot answers", 30*time.Second, func() bool {
		c, err := net.Dial("tcp", d.lmtp)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return d
}

// mailbox returns the messages of a user's INBOX once there are n.
func (d *dovecot) mailbox(user string, n int) [][]byte {
	d.t.Helper()
	var files []string
	await(d.t, fmt.Sprintf("%d messages are in the mailbox of %s (%s)", n, user, d.log()), 30*time.Second, func() bool {
		files, _ = filepath.Glob(filepath.Join(d.folder, "mail", user, "new", "*"))
		return len(files) >= n
	})
	if len(files) != n {
		d.t.Errorf("%s has %d messages, want %d", user, len(files), n)
	}
	var all [][]byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func (d *dovecot) log() string {
	b, _ := os.ReadFile(filepath.Join(d.folder, "log"))
	return string(b)
}
