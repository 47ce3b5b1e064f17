package control

import (
	"context"
	"time"

	"mailarchive/internal/access"
)

// UserAction is what to do with an account.
type UserAction string

// The actions.
const (
	UserAdd      UserAction = "add"
	UserPassword UserAction = "password"
	UserRemove   UserAction = "remove"
)

// UserRequest asks for an action on an account.
type UserRequest struct {
	Action   UserAction `json:"action"`
	Name     string     `json:"name"`
	Role     string     `json:"role,omitempty"`
	Password string     `json:"password,omitempty"`
	// Addresses are whose they are, with a period behind if it is not for
	// ever: "ann@example.org:2019-04-01..2024-06-30".
	Addresses []string `json:"addresses,omitempty"`
	Domains   []string `json:"domains,omitempty"` // of an auditor; "*" is all mail
}

// User is an account as lists show it.
type User struct {
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Addresses []string  `json:"addresses,omitempty"`
	Domains   []string  `json:"domains,omitempty"`
	Disabled  bool      `json:"disabled,omitempty"`
	Created   time.Time `json:"created"`
}

// ActOnUser asks the server.
func (c *Client) ActOnUser(ctx context.Context, scope access.Scope, q UserRequest) (User, error) {
	return invoke[User](ctx, c, scope, "users/act", q, Report{})
}

// Users asks the server.
func (c *Client) Users(ctx context.Context, scope access.Scope) ([]User, error) {
	return invoke[[]User](ctx, c, scope, "users", struct{}{}, Report{})
}
