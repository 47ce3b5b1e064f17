package vault

import (
	"fmt"
	"strings"

	"mailarchive/internal/mail"
)

// Finding is one fault in the vault and what it costs.
type Finding struct {
	Segment int       `json:"segment"`
	Offset  int64     `json:"offset"`         // where in the file, in bytes
	Length  int64     `json:"length"`         // of the stretch, 0 when it is a point
	Lost    []uint64  `json:"lost,omitempty"` // seqs of records that cannot be read
	IDs     []mail.ID `json:"ids,omitempty"`  // messages whose bytes cannot be trusted
	What    string    `json:"what"`
}

// String is the finding for a person: where, what and which messages.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "segment %d", f.Segment)
	if f.Length > 0 {
		fmt.Fprintf(&b, ", bytes %d to %d", f.Offset, f.Offset+f.Length-1)
	} else if f.Offset > 0 {
		fmt.Fprintf(&b, ", byte %d", f.Offset)
	}
	fmt.Fprintf(&b, ": %s", f.What)
	if n := len(f.Lost); n > 0 {
		fmt.Fprintf(&b, "; lost: arrivals %s", ranges(f.Lost))
	}
	for i, id := range f.IDs {
		sep := ", "
		if i == 0 {
			sep = "; affected: "
		}
		b.WriteString(sep + id.String())
	}
	return b.String()
}

// ranges writes rising numbers as "3-5, 8".
func ranges(n []uint64) string {
	var parts []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprint(n[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", n[i], n[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

func damagedFrame(segment int, b badFrame, lost []uint64) Finding {
	return Finding{Segment: segment, Offset: b.off, Length: int64(b.size), Lost: lost, What: fmt.Sprintf("frame is damaged: %v", b.err)}
}

// damagedStretch is for a span with no mark.
func damagedStretch(segment int, s span) Finding {
	return Finding{Segment: segment, Offset: s.off, Length: s.end - s.off, What: "commit mark is damaged; what is readable before it was read"}
}
