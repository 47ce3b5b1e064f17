package smtp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var errAuthInClear = errors.New("the password would go over the network in the clear")

// signIn says who we are, if so configured (RFC 4954).
func (c *Client) signIn() error {
	if c.dialer.User == "" {
		return nil
	}
	if c.tls == nil && !c.onThisMachine() && !c.dialer.AuthInClear {
		return fmt.Errorf("sign in: %w", errAuthInClear)
	}
	params, _ := c.Offers("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(params))
	var reply Reply
	var err error
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		reply, err = c.authPlain()
	case slices.Contains(mechanisms, "LOGIN"):
		reply, err = c.authLogin()
	default:
		err = fmt.Errorf("AUTH PLAIN and LOGIN: %w", ErrNotOffered)
	}
	if err == nil && !reply.Positive() {
		err = reply
	}
	if err != nil {
		return fmt.Errorf("sign in as %q: %w", c.dialer.User, err)
	}
	return nil
}

// authPlain sends RFC 4616's message with the command (RFC 4954 4).
func (c *Client) authPlain() (Reply, error) {
	message := encode("\x00" + c.dialer.User + "\x00" + c.dialer.Password)
	reply, err := c.ask(c.dialer.Timeouts.Command, "AUTH PLAIN "+message)
	if err == nil && reply.Code == 334 { // a server that knows no initial response
		return c.ask(c.dialer.Timeouts.Command, message)
	}
	return reply, err
}

// authLogin answers the two questions of a mechanism that was never more than
// a draft (draft-murchison-sasl-login) and that many servers have alone.
func (c *Client) authLogin() (Reply, error) {
	reply, err := c.ask(c.dialer.Timeouts.Command, "AUTH LOGIN")
	for _, secret := range []string{c.dialer.User, c.dialer.Password} {
		if err != nil || reply.Code != 334 {
			return reply, err
		}
		reply, err = c.ask(c.dialer.Timeouts.Command, encode(secret))
	}
	return reply, err
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
