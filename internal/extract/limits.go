package extract

// MaxReceived is the number of Received headers whose time is kept. Mail
// loops are broken off at 100 hops or fewer (RFC 5321 6.3).
const MaxReceived = 100

// Limits bound what one message may cost. A zero field stands for its value
// in [DefaultLimits].
type Limits struct {
	// Text is the size in bytes of Message.Text.
	Text int
	// Headers is the size in bytes of the fields kept from one header block.
	// 10,000 recipients with long names take about 2 MiB.
	Headers int
	// Participants is the number of addresses of one message, all roles
	// together.
	Participants int
	// Parts is the number of leaves and nested messages read.
	Parts int
	// Attachments is the number of attachments listed.
	Attachments int
	// Depth is how deep multiparts and messages may stand in each other.
	Depth int
	// Work bounds the time: the bytes read inside of nested messages, all
	// depths together, as a multiple of the size of the whole. A message in a
	// message is read once at each of the depths it stands in.
	Work int
}

// DefaultLimits returns what extraction is meant to run with. Memory stays
// under 30 MiB for any message, however large.
func DefaultLimits() Limits {
	return Limits{
		Text:         4 << 20,
		Headers:      4 << 20,
		Participants: 25_000,
		Parts:        2_000,
		Attachments:  1_000,
		Depth:        50,
		Work:         6,
	}
}

// workFloor is what nested messages may cost however small the whole is; it is
// added to the work limit.
const workFloor = 16 << 20

// maxProblems bounds Message.Problems; a hostile message has no end of them.
const maxProblems = 20

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ have, standard *int }{
		{&l.Text, &d.Text}, {&l.Headers, &d.Headers}, {&l.Participants, &d.Participants},
		{&l.Parts, &d.Parts}, {&l.Attachments, &d.Attachments}, {&l.Depth, &d.Depth}, {&l.Work, &d.Work},
	} {
		if *f.have <= 0 {
			*f.have = *f.standard
		}
	}
	return l
}
