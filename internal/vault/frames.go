package vault

import (
	"container/list"
	"sync"
)

// framesKept is how many decoded bytes of frames are kept.
const framesKept = 32 << 20

// frames keeps what frames decode to, those used last: messages that are asked
// for together, the newest or a conversation, mostly stand together. What is
// kept is never changed.
type frames struct {
	mu   sync.Mutex
	of   map[frameKey]*list.Element
	used list.List // of keptFrame, used last first
	size int
}

// frameKey names a frame. A segment that was written anew is another one.
type frameKey struct {
	segment, generation int
	offset              int64
	size                uint32 // on disk
}

type keptFrame struct {
	frameKey
	raw []byte
}

func (f *frames) get(key frameKey) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.of[key]
	if e == nil {
		return nil
	}
	f.used.MoveToFront(e)
	return e.Value.(keptFrame).raw
}

func (f *frames) put(key frameKey, raw []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[frameKey]*list.Element{}
	}
	if f.of[key] != nil || len(raw) > framesKept {
		return
	}
	f.of[key] = f.used.PushFront(keptFrame{key, raw})
	for f.size += cap(raw); f.size > framesKept; {
		last := f.used.Remove(f.used.Back()).(keptFrame)
		delete(f.of, last.frameKey)
		f.size -= cap(last.raw)
	}
}

// readFrame is readRaw for messages that somebody asks for; what it returns is
// shared and must not be changed.
func (v *Vault) readFrame(at located) ([]byte, error) {
	key := frameKey{at.number, at.generation, at.frame, at.frameSize}
	if raw := v.frames.get(key); raw != nil {
		return raw, nil
	}
	raw, err := v.readRaw(at.file, at.entry)
	if err == nil {
		v.frames.put(key, raw)
	}
	return raw, err
}
