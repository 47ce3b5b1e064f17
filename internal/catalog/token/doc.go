// Package token cuts text into the words that are searched. It feeds every
// engine and every query, so that both see the same words whatever the engine
// does by itself.
//
// In comes text, out go normalised words, one for each position. Nothing is
// on disk when a call returns, and a crash leaves nothing. [Version] changes
// with the words that come out; an engine keeps it and reindexes on a new one.
//
// # Words
//
// A word is a run of letters, digits and marks (Unicode L, N, M). All else
// separates: spaces, punctuation, symbols, also "_", "'" and "-". So
// RE-2026/00417 is "re", "2026", "00417", don't is "don", "t", 1.2.3 is "1",
// "2", "3", and a URL is its parts. The whole is found as a phrase of its
// parts, and each part alone.
//
// Words are folded: compatibility forms (full width, ligatures), case (ß is
// ss), diacritics of Latin, Greek, Cyrillic, Arabic and Hebrew, letters with a
// stroke (ø, ł, đ), Arabic alef, yeh and teh marbuta with their Persian
// cousins, tatweel, digits of any script. Marks of Indic and other scripts
// are letters and stay. Soft hyphens, joiners and direction marks vanish.
//
// # Scripts without spaces
//
// In Han, kana, Hangul, Thai, Lao, Khmer and Myanmar each character with its
// marks begins a word that holds it and the one behind it; the last of a run
// stands alone: 日本語 is 日本, 本語, 語.
//
// # What holds
//
//   - A word is valid UTF-8 of 1 to [MaxWord] bytes without ASCII other than
//     a-z and 0-9, so that FTS5's "ascii" tokenizer and separation by spaces
//     leave it alone. A longer one is cut there, in text and query alike.
//   - [Phrase] of any piece of the text that begins and ends between words
//     (between characters, in scripts without spaces) gives words that stand
//     in Words(text) one behind the other.
//   - Words(join(Words(text))) = Words(text) where no script without spaces
//     is in it.
package token

// Version numbers what the functions of this package make of a text.
const Version = 1

// MaxWord is the longest word in bytes.
const MaxWord = 64
