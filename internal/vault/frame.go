package vault

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/mail"
)

// ChunkSize is how many raw bytes a frame holds: small entries are packed up
// to it, and content larger than it is cut into frames of exactly so many
// bytes, the last one excepted. It belongs to format 1.
const ChunkSize = 256 << 10

// maxFrameRaw bounds what one frame may decode to. A frame of ours is larger
// than ChunkSize only by a long list of recipients (see maxRecord).
const maxFrameRaw = maxRecord + ChunkSize + 4*tarBlock

// maxFrame bounds what a frame takes on disk, if nothing of it compresses: a
// block of at most 128 KiB has 3 bytes more (RFC 8878 3.1.1.2).
const maxFrame = maxFrameRaw + maxFrameRaw/1024

// Magic numbers of RFC 8878 3.1.1 and 3.1.2. Of the sixteen skippable ones the
// vault uses the one ending in D.
const (
	zstdMagic      = 0xFD2FB528
	skippableMagic = 0x184D2A5D
)

var (
	errFrame    = fmt.Errorf("no zstd frame: %w", mail.ErrDamaged)
	errDisagree = fmt.Errorf("index and segment disagree: %w", mail.ErrDamaged)
	errCut      = fmt.Errorf("zstd frame is cut: %w", mail.ErrDamaged)
)

// frameLength returns how many bytes the zstd frame at the start of b takes
// (RFC 8878 3.1.1), by its headers alone; nothing is decoded. It returns
// errCut when b ends before the frame does.
func frameLength(b []byte) (int, error) {
	if len(b) < 5 {
		return 0, errCut
	}
	if binary.LittleEndian.Uint32(b) != zstdMagic {
		return 0, errFrame
	}
	descriptor := b[4]
	if descriptor&0x08 != 0 { // reserved bit, 3.1.1.1.1.4
		return 0, errFrame
	}
	single := descriptor>>5&1 == 1
	p := 5 + [4]int{0, 1, 2, 4}[descriptor&3] // dictionary ID
	if !single {
		p++ // window descriptor
	}
	switch size := descriptor >> 6; {
	case size == 0 && single:
		p++
	case size > 0:
		p += 1 << size
	}
	for {
		if len(b) < p+3 {
			return 0, errCut
		}
		block := uint32(b[p]) | uint32(b[p+1])<<8 | uint32(b[p+2])<<16
		p += 3
		switch block >> 1 & 3 {
		case 1: // RLE_Block: one byte repeated
			p++
		case 3: // reserved
			return 0, errFrame
		default:
			p += int(block >> 3)
		}
		if block&1 == 1 {
			break
		}
	}
	if descriptor&0x04 != 0 { // content checksum
		p += 4
	}
	if len(b) < p {
		return 0, errCut
	}
	return p, nil
}

// codec compresses and decompresses frames. It is safe for concurrent use.
type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newCodec(level zstd.EncoderLevel) (*codec, error) {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level),
		zstd.WithEncoderCRC(true),
		zstd.WithWindowSize(ChunkSize),
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxFrameRaw))
	if err != nil {
		return nil, err
	}
	return &codec{encoder, decoder}, nil
}

// compress appends one whole frame holding raw to dst.
func (c *codec) compress(dst, raw []byte) []byte { return c.encoder.EncodeAll(raw, dst) }

// decompress appends what the frame holds to dst. Errors wrap mail.ErrDamaged.
func (c *codec) decompress(dst, frame []byte) ([]byte, error) {
	raw, err := c.decoder.DecodeAll(frame, dst)
	if err != nil {
		return nil, fmt.Errorf("zstd frame (%v): %w", err, mail.ErrDamaged)
	}
	return raw, nil
}

func (c *codec) close() {
	c.encoder.Close()
	c.decoder.Close()
}
