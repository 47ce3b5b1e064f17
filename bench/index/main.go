// Command index compares the import of a folder of mail, stored and indexed,
// with Debian's `notmuch new` and `mu index` over the same files, in turn in
// one run. It prints messages a second, the ratios, and what each keeps on
// disk and in memory.
//
//	go run ./bench/index -folder DIR -archive ./mail-archive [-rounds 3] [-limit N]
//
// notmuch and mu read mail only, while the archive also stores it, synced. A
// peer that is not installed is left out. Everything is made below /var/tmp
// and removed at the end, but for the archive of the last round with -keep.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The goals of the table: times notmuch's rate, and share of the raw mail.
const (
	goalRatio = 12.0
	goalShare = 0.70
)

// outcome is one run of one program.
type outcome struct {
	took time.Duration
	rss  int64 // bytes, the peak of the process
	disk disk
}

// disk is what a program keeps, in bytes.
type disk struct{ vault, catalog int64 }

// program indexes the mail from nothing; it removes what an earlier run left.
type program struct {
	name string
	run  func() outcome
}

func main() {
	log.SetFlags(0)
	defer func() { // after the folder was removed
		if fault := recover(); fault != nil {
			log.Fatal(fault)
		}
	}()
	archive := flag.String("archive", "./mail-archive", "the binary to measure")
	folder := flag.String("folder", "", "the mail, one message to a file named *.eml: the unpacked bulk corpus, for one")
	rounds := flag.Int("rounds", 3, "rounds, each with all programs in turn")
	limit := flag.Int("limit", 0, "take only so many messages; 0 is all")
	keep := flag.String("keep", "", "leave the archive of the last round here")
	flag.Parse()
	if *folder == "" {
		log.Fatal("-folder is missing: the unpacked bulk corpus, for one")
	}
	work, err := os.MkdirTemp("/var/tmp", "bench-index-")
	check(err)
	defer os.RemoveAll(work)

	m := arrange(*folder, filepath.Join(work, "mail"), *limit)
	data := filepath.Join(work, "archive")
	if *keep != "" {
		data = *keep
	}
	programs := []program{archiveOf(*archive, data, m)}
	programs = append(programs, peers(work, m)...)
	outcomes := map[string][]outcome{}
	for range *rounds {
		for _, p := range programs {
			outcomes[p.name] = append(outcomes[p.name], p.run())
		}
	}
	report(m, programs, outcomes)
}

// report prints the table; figures are medians of the rounds, ratios of the
// runs of one round.
func report(m mailbox, programs []program, outcomes map[string][]outcome) {
	fmt.Printf("%d messages, %.0f MB of mail\n\n", m.messages, float64(m.bytes)/1e6)
	fmt.Println("| program | messages/s | archive's ratio to it | vault, share of mail | catalog, share of mail | together | vault bytes/message | catalog bytes/message | peak RSS MiB |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	ours := outcomes[programs[0].name]
	for _, p := range programs {
		runs := outcomes[p.name]
		rate, ratio, rss := []float64{}, []float64{}, []float64{}
		for i, r := range runs {
			rate = append(rate, float64(m.messages)/r.took.Seconds())
			ratio = append(ratio, r.took.Seconds()/ours[i].took.Seconds())
			rss = append(rss, float64(r.rss)/(1<<20))
		}
		d := runs[len(runs)-1].disk
		fmt.Printf("| %s | %.0f | %.2f | %s | %s | %s | %.0f | %.0f | %.0f |\n", p.name, median(rate), median(ratio),
			m.share(d.vault), m.share(d.catalog), m.share(d.vault+d.catalog),
			float64(d.vault)/float64(m.messages), float64(d.catalog)/float64(m.messages), median(rss))
	}
	fmt.Printf("\nGoals: ratio to notmuch at least %.0f; the archive's vault and catalog together under %.0f %%.\n", goalRatio, 100*goalShare)
}

func (m mailbox) share(bytes int64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(bytes)/float64(m.bytes))
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}
