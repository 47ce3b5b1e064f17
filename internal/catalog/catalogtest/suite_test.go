package catalogtest_test

import (
	"testing"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
)

func TestMemory(t *testing.T) {
	catalogtest.Run(t, func(*testing.T) catalog.Catalog { return &catalogtest.Memory{} })
}
