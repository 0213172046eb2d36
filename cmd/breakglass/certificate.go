package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"breakglass/internal/msapi"
)

// The key of the watch identity: a file of mode 0600 that holds certificate and key, and
// the public part beside it for the portal. It is a service secret (docs/onboarding.md), no
// account's.
const (
	watchKeyName    = "breakglass-watch.pem"
	watchPublicName = "breakglass-watch.cer"

	// watchKeyBits and watchValidity: Entra signs in with RSA certificates of 2048 bits and more;
	// a year is the longest that many tenants' app management policies allow (from memory).
	watchKeyBits  = 3072
	watchValidity = 365 * 24 * time.Hour
)

func watchKeyFile(dir string) string { return filepath.Join(dir, watchKeyName) }

// loadPublicPart is the first certificate of a PEM or DER file. A key in it is not looked at.
func loadPublicPart(path string) (*x509.Certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, badFile{fmt.Errorf("read the certificate: %w", err)}
	}
	defer clear(data)
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			data = block.Bytes
			break
		}
	}
	c, err := x509.ParseCertificate(data)
	if err != nil {
		return nil, badFile{fmt.Errorf("read the certificate: %s holds none, in PEM or DER", path)}
	}
	if _, ok := c.PublicKey.(*rsa.PublicKey); !ok {
		return nil, badFile{withHint(fmt.Errorf("read the certificate: %s has no RSA key, and Entra signs in with no other", path), "make one: --make-certificate DIR")}
	}
	return c, nil
}

// watchCertificate finds the certificate of an earlier run in dir, or makes one.
func watchCertificate(d *deps, dir string) (*x509.Certificate, error) {
	path := watchKeyFile(dir)
	info, err := os.Stat(path)
	switch {
	case err == nil && msapi.LooseMode(info.Mode()):
		return nil, badFile{withHint(fmt.Errorf("others can read %s", path), "chmod 600 %s; better: delete it and make a new one", path)}
	case err == nil:
		return loadPublicPart(path)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, badFile{fmt.Errorf("look for the certificate: %w", err)}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the certificate: %w", err)
	}
	der, key, err := selfSigned(d.now())
	if err != nil {
		return nil, fmt.Errorf("make the certificate: %w", err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	both := append(append([]byte{}, public...), private...)
	defer clear(both)
	defer clear(private)
	defer clear(key)
	if err := replaceFile(filepath.Join(dir, watchPublicName), public, 0o644); err != nil {
		return nil, err
	}
	if err := replaceFile(path, both, 0o600); err != nil {
		return nil, err
	}
	d.say("made %s (key and certificate, mode 0600) and %s (public part)", path, watchPublicName)
	return x509.ParseCertificate(der)
}

// selfSigned is a certificate and its key in PKCS#8.
func selfSigned(now time.Time) (der, key []byte, err error) {
	pair, err := rsa.GenerateKey(rand.Reader, watchKeyBits)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	now = now.UTC().Truncate(time.Second)
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "breakglass watch"}, NotBefore: now.Add(-5 * time.Minute), NotAfter: now.Add(watchValidity),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if der, err = x509.CreateCertificate(rand.Reader, tmpl, tmpl, &pair.PublicKey, pair); err != nil {
		return nil, nil, err
	}
	key, err = x509.MarshalPKCS8PrivateKey(pair)
	return der, key, err
}
