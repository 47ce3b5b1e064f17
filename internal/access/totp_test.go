package access

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

var rfcSecret = []byte("12345678901234567890")

// RFC 4226, appendix D.
func TestHOTP(t *testing.T) {
	for i, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got := hotp(rfcSecret, uint64(i)); got != want {
			t.Errorf("count %d: %s, want %s", i, got, want)
		}
	}
}

// RFC 6238, appendix B, with SHA-1; it has eight digits, of which apps show
// the last six.
var totpVectors = []struct {
	unix int64
	code string
}{
	{59, "94287082"}, {1111111109, "07081804"}, {1111111111, "14050471"},
	{1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"},
}

func TestTOTP(t *testing.T) {
	for _, v := range totpVectors {
		step, ok := totpMatch(rfcSecret, v.code[2:], time.Unix(v.unix, 0), -1)
		if !ok || step != v.unix/30 {
			t.Errorf("%s at %d: step %d, %t", v.code, v.unix, step, ok)
		}
	}
}

func TestTOTPWindow(t *testing.T) {
	const code, made = "005924", 1234567890
	step := int64(made / 30)
	for _, c := range []struct {
		name string
		now  int64
		last int64
		code string
		want bool
	}{
		{"now", made, 0, code, true},
		{"written in two halves", made, 0, "005 924", true},
		{"the step before", made + 30, 0, code, true},
		{"the step after", made - 30, 0, code, true},
		{"too old", made + 60, 0, code, false},
		{"too early", made - 60, 0, code, false},
		{"used", made, step, code, false},
		{"an older one when a newer was used", made + 30, step + 1, code, false},
		{"one was used before", made, step - 1, code, true},
		{"wrong", made, 0, "005925", false},
		{"short", made, 0, "5924", false},
		{"empty", made, 0, "", false},
		{"eight digits", made, 0, "89005924", false},
	} {
		if _, ok := totpMatch(rfcSecret, c.code, time.Unix(c.now, 0), c.last); ok != c.want {
			t.Errorf("%s: %t", c.name, ok)
		}
	}
}

func TestTOTPURI(t *testing.T) {
	u, err := url.Parse(totpURI("Mail Archive", "ann+x@example.org", rfcSecret))
	must(t, err)
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Mail Archive:ann+x@example.org" ||
		q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || q.Get("issuer") != "Mail Archive" || strings.Contains(u.RawQuery, "+") {
		t.Errorf("%s", u)
	}
}
