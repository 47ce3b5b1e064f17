// Command send hands the sample mailbox to an SMTP server on one connection,
// each message with its own envelope, or writes it to a folder.
//
// In come the messages of package sample; out go SMTP transactions, or the
// files NNN-key.eml and envelopes.jsonl, which survive power loss when the
// command ends with exit code 0. A crash leaves a part of the files, or a part
// of the messages sent; both may be done again.
//
// Exit codes: 0 all done, 1 something failed or was refused, 2 wrong use.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"mailarchive/internal/durable"
	"mailarchive/sample"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("send", flag.ContinueOnError)
	flags.SetOutput(stderr)
	to := flags.String("to", "", "send by SMTP to this `host:port`")
	folder := flags.String("write", "", "write .eml files and envelopes.jsonl to this `folder`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if (*to == "") == (*folder == "") || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "send: want either --to HOST:PORT or --write FOLDER, for example: go run ./sample/send --to 127.0.0.1:2525")
		return 2
	}
	messages := sample.Messages()
	if *folder != "" {
		return report(stdout, stderr, len(messages), "written to "+*folder, write(durable.OS{}, *folder, messages))
	}
	return report(stdout, stderr, len(messages), "sent", deliver(*to, messages, stdout))
}

func report(stdout, stderr io.Writer, n int, done string, err error) int {
	if err != nil {
		fmt.Fprintln(stderr, "send:", err)
		return 1
	}
	fmt.Fprintf(stdout, "%d messages %s\n", n, done)
	return 0
}
