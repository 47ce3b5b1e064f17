package access

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"

	"mailarchive/internal/mail"
)

// Cost is what one password hash costs, by the parameters of Argon2id (RFC
// 9106 3.1).
type Cost struct {
	Memory uint32 // in KiB
	Passes uint32
	Lanes  uint8
}

// DefaultCost is the second recommendation of RFC 9106 4: 64 MiB, three passes,
// four lanes.
func DefaultCost() Cost { return Cost{Memory: 64 << 10, Passes: 3, Lanes: 4} }

// Bounds of what a stored hash may ask for, so that a file that somebody wrote
// cannot take all memory at a sign-in.
const (
	maxMemory          = 1 << 20 // KiB
	maxPasses          = 16
	maxLanes           = 64
	minSalt, maxSalt   = 8, 64
	minKey, maxKey     = 16, 64
	saltSize, keySize  = 16, 32 // of new hashes, RFC 9106 4
	maxPHC             = 512
	waitersPerHashSlot = 32
)

func (c Cost) valid() bool {
	return c.Passes >= 1 && c.Passes <= maxPasses && c.Lanes >= 1 && c.Lanes <= maxLanes &&
		c.Memory >= 8*uint32(c.Lanes) && c.Memory <= maxMemory // RFC 9106 3.1
}

// hashed is a password hash with all that is needed to check it.
type hashed struct {
	cost      Cost
	salt, key []byte
}

// String is the PHC string format
// (https://github.com/P-H-C/phc-string-format), as the reference
// implementation of Argon2 writes it.
func (h hashed) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, h.cost.Memory, h.cost.Passes, h.cost.Lanes, b64(h.salt), b64(h.key))
}

var errHash = errors.New("not an Argon2id hash that is in bounds")

// parseHashed reads what String wrote, and nothing else.
func parseHashed(s string) (hashed, error) {
	fields := strings.Split(s, "$")
	if len(s) > maxPHC || len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != "v="+strconv.Itoa(argon2.Version) {
		return hashed{}, errHash
	}
	h, err := hashed{}, error(nil)
	if h.cost, err = parseCost(fields[3]); err != nil {
		return hashed{}, err
	}
	strict := base64.RawStdEncoding.Strict()
	if h.salt, err = strict.DecodeString(fields[4]); err != nil || len(h.salt) < minSalt || len(h.salt) > maxSalt {
		return hashed{}, errHash
	}
	if h.key, err = strict.DecodeString(fields[5]); err != nil || len(h.key) < minKey || len(h.key) > maxKey {
		return hashed{}, errHash
	}
	if h.String() != s {
		return hashed{}, errHash
	}
	return h, nil
}

func parseCost(s string) (c Cost, err error) {
	var numbers [3]uint64
	parts := strings.Split(s, ",")
	if len(parts) != len(numbers) {
		return c, errHash
	}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(parts[i], name)
		if numbers[i], err = strconv.ParseUint(digits, 10, 32); !ok || err != nil || numbers[i] > maxMemory {
			return c, errHash
		}
	}
	if numbers[2] > maxLanes {
		return c, errHash
	}
	c = Cost{uint32(numbers[0]), uint32(numbers[1]), uint8(numbers[2])}
	if !c.valid() {
		return Cost{}, errHash
	}
	return c, nil
}

// hasher makes and checks password hashes, few at a time.
type hasher struct {
	cost    Cost
	slots   chan struct{} // one for each hash under way
	waiting atomic.Int64
	random  io.Reader
	dummy   hashed // for who has no password
}

func newHasher(cost Cost, parallel int, random io.Reader) (*hasher, error) {
	if !cost.valid() {
		return nil, fmt.Errorf("password hash of %d KiB, %d passes, %d lanes: %w", cost.Memory, cost.Passes, cost.Lanes, mail.ErrBadInput)
	}
	h := &hasher{cost: cost, slots: make(chan struct{}, parallel), random: random}
	h.dummy = hashed{cost: cost, salt: make([]byte, saltSize), key: make([]byte, keySize)}
	if _, err := io.ReadFull(random, h.dummy.salt); err != nil {
		return nil, err
	}
	_, err := io.ReadFull(random, h.dummy.key)
	return h, err
}

// hash returns the PHC string of a password with a new salt.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	made := hashed{cost: h.cost, salt: make([]byte, saltSize)}
	if _, err := io.ReadFull(h.random, made.salt); err != nil {
		return "", err
	}
	var err error
	made.key, err = h.derive(ctx, made, password, keySize)
	return made.String(), err
}

// verify compares a password with a stored hash; "" or one that cannot be read
// matches nothing and takes as long. stale tells that the hash was made at
// another cost than new ones are.
func (h *hasher) verify(ctx context.Context, stored, password string) (ok, stale bool, err error) {
	with, perr := parseHashed(stored)
	if perr != nil {
		with = h.dummy
	}
	key, err := h.derive(ctx, with, password, len(with.key))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(key, with.key) == 1 && perr == nil
	return ok, ok && with.cost != h.cost, nil
}

// derive waits for a free slot. Errors: ErrRetry when too many wait, and that
// of ctx.
func (h *hasher) derive(ctx context.Context, with hashed, password string, size int) ([]byte, error) {
	if h.waiting.Add(1) > int64(waitersPerHashSlot*cap(h.slots)) {
		h.waiting.Add(-1)
		return nil, fmt.Errorf("too many sign-ins at once: %w", mail.ErrRetry)
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := with.cost
	return argon2.IDKey([]byte(password), with.salt, c.Passes, c.Memory, c.Lanes, uint32(size)), nil
}
