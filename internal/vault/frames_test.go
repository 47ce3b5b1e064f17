package vault

import (
	"bytes"
	"testing"
)

func TestFramesAreBounded(t *testing.T) {
	var f frames
	for i := range 100 {
		f.put(frameKey{1, 0, int64(i), 9}, bytes.Repeat([]byte{byte(i)}, 1<<20))
		f.get(frameKey{1, 0, 0, 9}) // stays because it is used
	}
	if f.size > framesKept || f.used.Len() != len(f.of) {
		t.Errorf("%d bytes in %d frames, %d by key", f.size, f.used.Len(), len(f.of))
	}
	if raw := f.get(frameKey{1, 0, 0, 9}); len(raw) == 0 || raw[0] != 0 {
		t.Error("the frame that is used all the time is gone")
	}
	if f.get(frameKey{1, 0, 50, 9}) != nil {
		t.Error("a frame that was not used for long is still there")
	}
	if f.get(frameKey{1, 1, 99, 9}) != nil || f.get(frameKey{2, 0, 99, 9}) != nil {
		t.Error("a frame of another file is taken for it")
	}
	f.put(frameKey{3, 0, 0, 9}, make([]byte, framesKept+1))
	if f.get(frameKey{3, 0, 0, 9}) != nil {
		t.Error("a frame larger than all that is kept was kept")
	}
}
