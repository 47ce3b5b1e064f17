package mail

// Direction is the way of mail through the organisation's gateway.
type Direction string

// The directions. A message whose domains are not known, or that only passes
// from outside to outside, has none: "".
const (
	In       Direction = "in"       // from outside to at least one local recipient
	Out      Direction = "out"      // from a local sender to at least one outside
	Internal Direction = "internal" // from a local sender to local recipients only
)
