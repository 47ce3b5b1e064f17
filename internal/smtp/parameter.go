package smtp

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var (
	errSizeValue = errors.New("SIZE is a number of bytes")
	errBodyValue = errors.New("BODY is 7BIT, 8BITMIME or BINARYMIME")
)

// mailParams are the parameters of MAIL that the server itself acts on. RET,
// ENVID (RFC 3461 4.3, 4.4), SMTPUTF8 (RFC 6531 3.4) and unknown ones are the
// session's: a server that stores mail refuses none for their sake.
type mailParams struct {
	size   int64 // declared (RFC 1870 5.2); 0 when not, never believed beyond the refusal
	binary bool  // BODY=BINARYMIME (RFC 3030 3)
}

func readMailParams(params []string) (known mailParams, err error) {
	for _, p := range params {
		keyword, value, _ := strings.Cut(p, "=")
		switch {
		case strings.EqualFold(keyword, "SIZE"):
			known.size, err = parseSize(value)
		case strings.EqualFold(keyword, "BODY"):
			known.binary, err = parseBody(value)
		}
		if err != nil {
			return mailParams{}, err
		}
	}
	return known, nil
}

// parseSize takes any number of digits; one too large to count is the largest.
// A bare SIZE declares nothing.
func parseSize(value string) (int64, error) {
	if value == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(value, 10, 63)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxInt64, nil
	}
	if err != nil {
		return 0, errSizeValue
	}
	return int64(n), nil
}

func parseBody(value string) (binary bool, err error) {
	switch {
	case strings.EqualFold(value, "BINARYMIME"):
		return true, nil
	case strings.EqualFold(value, "8BITMIME"), strings.EqualFold(value, "7BIT"):
		return false, nil
	}
	return false, errBodyValue
}
