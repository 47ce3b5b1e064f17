package access

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as all apps do it
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The parameters that every app understands (RFC 6238 5.2, RFC 4226 5.3).
const (
	totpStep    = 30 // seconds
	totpDigits  = 6
	totpSecret  = 20 // bytes, RFC 4226 4 R6
	totpSlack   = 1  // steps before and after, RFC 6238 5.2
	totpModulus = 1_000_000
)

// hotp is the value of RFC 4226 5.3.
func hotp(secret []byte, counter uint64) string {
	var message [8]byte
	binary.BigEndian.PutUint64(message[:], counter)
	mac := hmac.New(sha1.New, secret)
	mac.Write(message[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	code := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, code%totpModulus)
}

// totpMatch returns the time step that a code is of, of those around now and
// after the last one that was used: a code is good once (RFC 6238 5.2).
func totpMatch(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	code = strings.ReplaceAll(code, " ", "") // as apps show it: 123 456
	current := now.Unix() / totpStep
	for s := current - totpSlack; s <= current+totpSlack; s++ {
		if subtle.ConstantTimeCompare([]byte(hotp(secret, uint64(s))), []byte(code)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}

// totpURI is what an app reads from a picture
// (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
func totpURI(issuer, name string, secret []byte) string {
	q := url.Values{"secret": {secretText(secret)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	// Some apps take a plus sign in a query for what it is.
	query := strings.ReplaceAll(q.Encode(), "+", "%20")
	return "otpauth://totp/" + url.PathEscape(issuer+":"+name) + "?" + query
}

// secretText is what is typed where there is no camera.
func secretText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}
