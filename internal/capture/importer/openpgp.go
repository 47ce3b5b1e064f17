package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

var (
	errPassword  = errors.New("tried as OpenPGP: no password fits")
	errContent   = errors.New("tried as OpenPGP: what comes out is neither a tar nor a .tgz; another password is needed, or it holds something else")
	errPublicKey = errors.New("OpenPGP, encrypted to keys and not by a password: decrypt it with `gpg -d` and import the result")
)

// openPGPDecrypted reads an OpenPGP message (RFC 9580) that a password opens. A
// wrong password opens one in some hundred to noise, so it must be a tar or
// .tgz. Whether it is unchanged shows at its end, as an error of the reader.
func openPGPDecrypted(again func() (io.Reader, error), passwords [][]byte) (io.Reader, error) {
	failed := errPassword
	for _, password := range passwords {
		in, err := again()
		if err != nil {
			return nil, err
		}
		body, err := openPGPBody(in, password)
		if err != nil {
			failed = err
			continue
		}
		plain := bufio.NewReaderSize(body, headSize)
		head, _ := plain.Peek(tarBlock) // what fails here fails again when it is read
		if isGzip(head) || isTar(head) {
			return plain, nil
		}
		failed = errContent
	}
	return nil, failed
}

func openPGPBody(in io.Reader, password []byte) (io.Reader, error) {
	var r io.Reader = bufio.NewReaderSize(in, headSize)
	if head, _ := r.(*bufio.Reader).Peek(len(armorMagic)); bytes.Equal(head, armorMagic) {
		block, err := armor.Decode(r)
		if err != nil {
			return nil, fmt.Errorf("tried as OpenPGP: %w", err)
		}
		r = block.Body
	}
	asked := 0
	prompt := func([]openpgp.Key, bool) ([]byte, error) {
		if asked++; asked > 1 {
			return nil, errPassword
		}
		return password, nil
	}
	// gpg 1 wrote messages without an integrity code. What they hold has the
	// checksum of gzip, and comes from a source that was named by hand.
	config := &packet.Config{InsecureAllowUnauthenticatedMessages: true}
	m, err := openpgp.ReadMessage(r, openpgp.EntityList{}, prompt, config)
	switch {
	case err == nil:
		return m.UnverifiedBody, nil
	case errors.Is(err, errPassword) || asked > 0:
		return nil, errPassword
	case errors.Is(err, pgperrors.ErrKeyIncorrect):
		return nil, errPublicKey
	}
	return nil, fmt.Errorf("tried as OpenPGP: %w", err)
}
