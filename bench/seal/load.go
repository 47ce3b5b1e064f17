package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"time"

	"mailarchive/internal/capture"
	"mailarchive/internal/capture/importer"
	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

// archive is what the importer needs, over a vault alone.
type archive struct{ *capture.Acceptor }

func (archive) Imported(context.Context, mail.Digest) (bool, error) { return false, nil }

// staging is the vault as capture sees it.
type staging struct{ *vault.Vault }

func (s staging) Stage() capture.Staged { return s.Vault.Stage() }

func (s staging) Append(ctx context.Context, e mail.Envelope, content capture.Staged) (mail.Arrival, error) {
	return s.Vault.Append(ctx, e, content.(*vault.Staged))
}

// load brings the mail into a vault, whose contents are read as sealing would
// read them, and describes it as a catalog would.
func (b *bench) load() {
	b.size = weigh(b.folder)
	v := must(vault.Open(vault.Options{Folder: b.scratch + "/vault"}))
	sum := must(importer.Run(context.Background(), archive{&capture.Acceptor{Vault: staging{v}}}, importer.Options{Paths: []string{b.folder}}))
	if sum.Failed > 0 {
		log.Fatalf("%d items failed", sum.Failed)
	}
	b.vault = v
	if b.bare {
		return
	}
	x := extract.New(extract.DefaultLimits())
	check(v.Walk(context.Background(), 0, func(i vault.Item) error {
		check(i.Err)
		r := must(i.Content())
		m, err := x.Extract(r)
		check(err)
		check(r.Close())
		m.Text = ""
		d := catalog.Document{Arrival: i.Arrival, SortDate: extract.SortDate(m, i.Arrival), Direction: mail.In}
		d.Message = m
		b.items = append(b.items, seal.Item{Record: i.Record, About: seal.Describe(d), Content: i.Content})
		return nil
	}))
}

// walk yields what is in the vault, without descriptions, and keeps nothing.
func (b *bench) walk(yield func(seal.Item, error) bool) {
	check(b.vault.Walk(context.Background(), 0, func(i vault.Item) error {
		if !yield(seal.Item{Record: i.Record, Content: i.Content}, i.Err) {
			return io.EOF
		}
		return nil
	}))
}

// read measures the way back.
func (b *bench) read() {
	plain, _ := b.make(nil)
	fmt.Printf("\ncheck of the .tgz: %s\n", rate(plain.Size, func() {
		r := must(seal.Check(context.Background(), nil, plain.Path, seal.Secret{}, nil, nil))
		if r.Findings > 0 {
			log.Fatalf("%d findings", r.Findings)
		}
	}))
	secret := seal.Secret{Passwords: [][]byte{lock().Password}}
	closed, _ := b.make(lock())
	fmt.Printf("check of the .enc: %s\n", rate(closed.Size, func() {
		must(seal.Check(context.Background(), nil, closed.Path, secret, nil, nil))
	}))
	fmt.Printf("decryption alone: %s\n", rate(closed.Size, func() {
		f := must(os.Open(closed.Path))
		defer f.Close()
		must(io.Copy(io.Discard, must(seal.Decrypt(f, secret))))
	}))
	b.first(plain.Path)
	a := must(seal.Open(context.Background(), nil, closed.Path, secret))
	last := []mail.ID{b.id(len(b.items) / 3), b.id(len(b.items) - 1)}
	fmt.Printf("two messages out of the .enc, one of them the last: %s\n", rate(closed.Size, func() {
		check(a.Messages(context.Background(), last, func(m seal.Message) error {
			_, err := io.Copy(io.Discard, m.Content)
			return err
		}))
	}))
}

func (b *bench) id(i int) mail.ID { return must(vault.DecodeRecord(b.items[i].Record)).ID }

func rate(size int64, what func()) string {
	begun := time.Now()
	what()
	took := time.Since(begun).Seconds()
	return fmt.Sprintf("%.2f s, %.0f MB/s of the file", took, float64(size)/1e6/took)
}

// first measures how long the first byte of a random message takes, from
// opening the file on.
func (b *bench) first(path string) {
	rng := rand.New(rand.NewPCG(1, 1))
	var took []float64
	for range 200 {
		id := b.id(rng.IntN(len(b.items)))
		begun := time.Now()
		a := must(seal.Open(context.Background(), nil, path, seal.Secret{}))
		_, r, err := a.Message(context.Background(), id)
		check(err)
		_, err = r.Read(make([]byte, 1))
		if err != io.EOF {
			check(err)
		}
		took = append(took, float64(time.Since(begun).Microseconds())/1000)
		r.Close()
		a.Close()
	}
	most := took[0]
	for _, t := range took {
		most = max(most, t)
	}
	fmt.Printf("first byte of a random message of the .tgz: median %.2f ms, most %.2f ms of %d\n", median(took), most, len(took))
}
