package cli

import (
	"fmt"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// The command line of the system that came before: one flag -a with the action
// and single-letter flags behind it, "-s=YY-MM-DD" and the like.
//
//	-a redeliver [-r | -e=ADDR] ID
//	-a archive [-s=YY-MM-DD]
//	-a import [-s=YY-MM-DD] [-d=X]

// fromManual translates arguments of that form into those of today; asked is
// false when they are none. The archive action counts from today when it is
// told no other day.
func fromManual(args []string, today time.Time) (translated []string, asked bool, err error) {
	if !hasAction(args) {
		return args, false, nil
	}
	m, err := readManual(args)
	if err != nil {
		return nil, true, err
	}
	switch m.values['a'] {
	case "redeliver":
		translated, err = m.redeliver()
	case "archive":
		translated, err = m.archive(today)
	case "import":
		translated, err = m.importSpool()
	default:
		err = fmt.Errorf("-a %s: the actions are redeliver, archive and import: %w", m.values['a'], mail.ErrBadInput)
	}
	return append(m.kept, translated...), true, err
}

// hasAction reports whether there is a flag -a in front of the first word: today
// a command stands there, and -a behind it is the command's.
func hasAction(args []string) bool {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-a" || strings.HasPrefix(arg, "-a="):
			return true
		case arg == "--" || !strings.HasPrefix(arg, "-"):
			return false
		case strings.HasPrefix(arg, "--") && !strings.Contains(arg, "="):
			i++ // its value
		}
	}
	return false
}

// manual is a command line of the old form, taken apart.
type manual struct {
	values map[byte]string // by flag; -r has ""
	rest   []string        // what is no flag
	kept   []string        // flags of today, --config and --data
}

func readManual(args []string) (m manual, err error) {
	m.values = map[byte]string{}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case strings.HasPrefix(arg, "--"):
			m.kept = append(m.kept, arg)
			if !strings.Contains(arg, "=") && i+1 < len(args) {
				i++
				m.kept = append(m.kept, args[i])
			}
		case len(arg) > 1 && arg[0] == '-':
			name, value, given := arg[1], strings.TrimPrefix(arg[2:], "="), len(arg) > 2
			if !strings.ContainsRune("aersd", rune(name)) {
				return m, fmt.Errorf("-a does not go with %s: %w", arg, mail.ErrBadInput)
			}
			if !given && name != 'r' {
				if i++; i == len(args) {
					return m, fmt.Errorf("-%c needs a value: %w", name, mail.ErrBadInput)
				}
				value = args[i]
			}
			m.values[name] = value
		default:
			m.rest = append(m.rest, arg)
		}
	}
	return m, nil
}

// only reports a flag or argument that the action does not have.
func (m manual) only(flags string, arguments int) error {
	for name := range m.values {
		if !strings.ContainsRune("a"+flags, rune(name)) {
			return fmt.Errorf("-a %s has no -%c: %w", m.values['a'], name, mail.ErrBadInput)
		}
	}
	if len(m.rest) != arguments {
		return fmt.Errorf("-a %s takes %s behind its flags, not %d: %w",
			m.values['a'], plural(arguments, "argument"), len(m.rest), mail.ErrBadInput)
	}
	return nil
}

func (m manual) redeliver() ([]string, error) {
	if err := m.only("re", 1); err != nil {
		return nil, err
	}
	to, other := m.values['e']
	if _, original := m.values['r']; original == other {
		return nil, fmt.Errorf("-a redeliver needs either -r (to the original recipients) or -e=ADDRESS: %w", mail.ErrBadInput)
	}
	if other {
		return []string{"redeliver", "--to", to, m.rest[0]}, nil
	}
	return []string{"redeliver", m.rest[0]}, nil
}

// archive takes the month before the day that is given or today.
func (m manual) archive(today time.Time) ([]string, error) {
	if err := m.only("s", 0); err != nil {
		return nil, err
	}
	if text, ok := m.values['s']; ok {
		var err error
		if today, err = manualDay(text); err != nil {
			return nil, err
		}
	}
	before := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, -1, 0)
	return []string{"archive", "--month", before.Format("2006-01")}, nil
}

func (m manual) importSpool() ([]string, error) {
	if err := m.only("sd", 0); err != nil {
		return nil, err
	}
	translated := []string{"import", "--spool"}
	if text, ok := m.values['s']; ok {
		day, err := manualDay(text)
		if err != nil {
			return nil, err
		}
		translated = append(translated, "--start", day.Format(time.DateOnly))
	}
	if days, ok := m.values['d']; ok {
		translated = append(translated, "--days", days)
	}
	return translated, nil
}

// manualDay reads YY-MM-DD, and with the century too.
func manualDay(text string) (time.Time, error) {
	for _, form := range []string{"06-01-02", time.DateOnly} {
		if day, err := time.Parse(form, text); err == nil {
			return day, nil
		}
	}
	return time.Time{}, fmt.Errorf("-s=%s: the day is written YY-MM-DD, as in -s=26-11-01: %w", text, mail.ErrBadInput)
}
