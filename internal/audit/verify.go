package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Verify reads all that was on disk when it was called, follows the chain from
// the first entry and reports each fault with its place. heads were kept
// elsewhere (Head) and must be found: they prove that nothing up to them was
// changed, even by somebody who wrote the whole record anew. progress, which
// may be nil, is told how many of so many bytes are done. The error is of
// reading or of ctx; faults of the record are not errors.
func (l *Log) Verify(ctx context.Context, progress func(done, total int64), report func(Finding), heads ...Head) error {
	c := &chain{report: report}
	m, err := l.readMark() // before the files: it must not be ahead of what is read
	switch {
	case errors.Is(err, mail.ErrDamaged):
		report(Finding{Kind: HeadLost, File: headFile, What: err.Error()})
	case err != nil:
		return fmt.Errorf("verify: %w", kind(err))
	case m == nil:
		report(Finding{Kind: HeadLost, File: headFile, What: "it is missing"})
	default:
		c.want(m.Head, "the head file")
	}
	for _, h := range heads {
		c.want(h, "the head that was kept elsewhere")
	}
	parts, end := l.snapshot()
	c.want(end, "the running archive")
	v := &verify{l: l, ctx: ctx, chain: c, progress: progress}
	for _, p := range parts {
		v.total += p.size
	}
	for i, p := range parts {
		if err := v.part(p, parts[i+1:]); err != nil {
			return fmt.Errorf("verify %s: %w", p.name, err)
		}
	}
	c.finish()
	return nil
}

// want has the chain look for a head.
func (c *chain) want(h Head, who string) {
	if h.Seq > 0 {
		c.wanted = append(c.wanted, wanted{Head: h, who: who})
	}
}

// verify is one Verify on its way.
type verify struct {
	l           *Log
	ctx         context.Context
	chain       *chain
	progress    func(done, total int64)
	done, total int64
}

// progressEvery is how many bytes are read between two words of progress.
const progressEvery = 1 << 20

// part follows the chain through one file, that the later ones come behind.
func (v *verify) part(p part, later []part) error {
	told := v.done
	err := v.l.withPart(p, func(f durable.File, size int64) error {
		if len(later) > 0 {
			var err error
			if size, err = v.countedSize(f, p, size, later[0]); err != nil {
				return err
			}
		}
		at := place{file: p.name}
		return eachLine(f, 0, size, func(s span) error {
			if err := v.ctx.Err(); err != nil {
				return err
			}
			at.line, at.off = at.line+1, s.off
			v.line(at, s)
			if done := v.done + s.end; v.progress != nil && done-told >= progressEvery {
				told = done
				v.progress(done, v.total)
			}
			return nil
		})
	})
	if errors.Is(err, fs.ErrNotExist) {
		v.chain.report(Finding{Kind: Removed, File: p.name, What: "the file is missing"})
		err = nil
	}
	v.done += p.size
	if err == nil && v.progress != nil {
		v.progress(v.done, v.total)
	}
	return err
}

func (v *verify) line(at place, s span) {
	l, err := decode(s.text)
	if err != nil {
		v.chain.unreadable(at, err)
		return
	}
	v.chain.take(at, l, mail.Sum(s.text))
}

// countedSize returns up to where a file is read that another one follows. When
// it is longer than it was, and the entry that the next file names ends where
// it did, the rest is surplus; else the file was changed and all of it counts.
// (The newest file may be growing.)
func (v *verify) countedSize(f durable.File, p part, size int64, next part) (int64, error) {
	info, err := f.Stat()
	if err != nil || info.Size() <= p.size {
		return size, err
	}
	first, err := v.l.firstLine(next)
	if err == nil {
		_, _, err = endsWith(f, p.size, Head{first.Seq - 1, first.Prev})
	}
	switch {
	case errors.Is(err, mail.ErrDamaged), errors.Is(err, fs.ErrNotExist):
		return info.Size(), nil
	case err != nil:
		return 0, err
	}
	v.chain.report(Finding{
		Kind: Surplus, File: p.name, Offset: p.size,
		What: fmt.Sprintf("%d bytes behind the last entry; the next start moves them to %s", info.Size()-p.size, tornFolder),
	})
	return size, nil
}
