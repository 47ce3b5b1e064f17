package catalogtest

import (
	"fmt"
	"slices"
	"strings"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// show writes a node for a message of a test.
func show(n catalog.Node) string {
	switch n := n.(type) {
	case catalog.Text:
		if n.Prefix {
			return fmt.Sprintf("%s:%q*", n.Field, n.Value)
		}
		return fmt.Sprintf("%s:%q", n.Field, n.Value)
	case catalog.Header, catalog.Sized, catalog.Attached, catalog.Directed:
		return fmt.Sprintf("%T%v", n, n)
	case catalog.Not:
		return "-" + show(n.Node)
	case catalog.And:
		return showEach(n, " AND ")
	case catalog.Or:
		return showEach(n, " OR ")
	case catalog.Between:
		return fmt.Sprintf("[%v, %v)", n.Since, n.Before)
	}
	return "everything"
}

func showEach(nodes []catalog.Node, operator string) string {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		parts[i] = show(n)
	}
	return "(" + strings.Join(parts, operator) + ")"
}

// checkFields refuses fields that the contract does not name.
func checkFields(n catalog.Node) error {
	var below []catalog.Node
	switch n := n.(type) {
	case catalog.Text:
		if !slices.Contains(fieldsAll(), n.Field) {
			return fmt.Errorf("field %q: %w", n.Field, mail.ErrBadInput)
		}
	case catalog.Not:
		below = []catalog.Node{n.Node}
	case catalog.And:
		below = n
	case catalog.Or:
		below = n
	}
	for _, n := range below {
		if err := checkFields(n); err != nil {
			return err
		}
	}
	return nil
}
