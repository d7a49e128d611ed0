package rig

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/controller/order"
	"sekimori/drivers/osdp"
	"sekimori/firmware-sim/broker"
	"sekimori/firmware-sim/osdppd"
	"sekimori/firmware-sim/story"
	zfmsim "sekimori/firmware-sim/zfm"
	"sekimori/testdata"
)

// site is what a scene needs on disk and in secret: one folder per door with
// its files and keys, an administrator and a certificate authority.
type site struct {
	dir       string
	admin     *order.PrivateKey
	authority *broker.Authority
	roster    []byte
	files     map[string][]byte // attached to the story, by name
}

func newSite(dir string, scene story.Scene) (*site, error) {
	s := &site{dir: dir, admin: order.NewKey(), files: map[string][]byte{}}
	for _, f := range scene.Files {
		s.files[f.Name] = []byte(f.Data)
	}
	var err error
	if s.authority, err = broker.NewAuthority(); err != nil {
		return nil, err
	}
	s.roster, err = s.file("roster.toml")
	return s, err
}

// file is the story's own file, else the city's.
func (s *site) file(name string) ([]byte, error) {
	if b, ok := s.files[name]; ok {
		return b, nil
	}
	b, err := testdata.Files.ReadFile("hino/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("neither the story nor the city has a file %s", name)
	}
	return b, err
}

// hardware is what the simulated devices of one door are made of.
type hardware struct {
	cfg     *config.Door
	readers map[string]osdppd.Options // by name
	sensors map[string]zfmsim.Options
}

// build writes one door's folder and initialises it as an administrator would:
// keys, the adopted identities of its devices, certificate, ledger.
func (s *site) build(door string) (*hardware, error) {
	dir := filepath.Join(s.dir, door)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	text, err := s.file("door-" + door + ".toml")
	if err != nil {
		if text, err = s.file(door + ".toml"); err != nil {
			return nil, err
		}
	}
	rules, err := s.file("rulebook.toml")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "door.toml")
	filled := strings.ReplaceAll(string(text), nobodysKey, s.admin.Public().String())
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "rulebook.toml"), rules, 0o600),
		os.WriteFile(path, []byte(filled), 0o600),
	); err != nil {
		return nil, err
	}
	// The first reading finds out which devices there are; then they get their
	// keys and their identities are adopted.
	cfg, err := config.LoadDoor(path)
	if err != nil {
		return nil, err
	}
	hw := &hardware{readers: map[string]osdppd.Options{}, sensors: map[string]zfmsim.Options{}}
	if err := hw.equip(cfg); err != nil {
		return nil, err
	}
	for name, o := range hw.readers {
		filled = strings.ReplaceAll(filled, placeholder(name), o.Identity().String())
	}
	for name, o := range hw.sensors {
		filled = strings.ReplaceAll(filled, placeholder(name), sensorIdentity(o))
	}
	if err := os.WriteFile(path, []byte(filled), 0o600); err != nil {
		return nil, err
	}
	if hw.cfg, err = config.LoadDoor(path); err != nil {
		return nil, err
	}
	if err := s.certify(dir, hw.cfg); err != nil {
		return nil, err
	}
	_, err = daemon.Init(hw.cfg)
	return hw, err
}

// placeholder is what stands in a door file of the test data where a real one
// has the adopted identity.
func placeholder(device string) string { return "IDENTITY-" + strings.ToUpper(device) }

// equip makes the devices and writes the keys that they share with the door.
func (hw *hardware) equip(cfg *config.Door) error {
	for i, r := range cfg.Readers {
		key := osdp.NewKey()
		if err := osdp.WriteKeyFile(r.KeyFile, key); err != nil {
			return err
		}
		raw, err := readHex(r.KeyFile)
		if err != nil {
			return err
		}
		serial := byte(i + 1)
		hw.readers[r.Name] = osdppd.Options{
			Address: r.Address, Key: [16]byte(raw),
			PDID: [12]byte{0xCA, 0x5E, 0x01, 1, 1, serial, 0, 0, 0, 1, 0, 0},
			CUID: [8]byte{0xCA, 0x5E, 0x01, 1, 1, serial, 0, 0},
		}
	}
	for i, sc := range cfg.Sensors {
		raw := make([]byte, 4)
		rand.Read(raw)
		if err := os.WriteFile(sc.PasswordFile, []byte(hex.EncodeToString(raw)+"\n"), 0o600); err != nil {
			return err
		}
		hw.sensors[sc.Name] = zfmsim.Options{
			Password: uint32(raw[0])<<24 | uint32(raw[1])<<16 | uint32(raw[2])<<8 | uint32(raw[3]),
			Serial:   fmt.Sprintf("SK%06d", i+1),
			Seed:     uint64(i + 1),
		}
	}
	return nil
}

func readHex(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(strings.TrimSpace(string(b)))
}

// sensorIdentity is what an R503 of the simulator says of itself.
func sensorIdentity(o zfmsim.Options) string {
	return fmt.Sprintf("0009/R503/%x/sim-1.0", o.Serial)
}

// certify gives the door its certificate in the files that its configuration
// names.
func (s *site) certify(dir string, cfg *config.Door) error {
	if cfg.Broker == nil {
		return nil
	}
	f, err := s.authority.Write(filepath.Join(dir, "tls"), cfg.ID)
	if err != nil {
		return err
	}
	return errors.Join(
		os.Rename(f.CA, cfg.Broker.CA), os.Rename(f.Cert, cfg.Broker.Cert), os.Rename(f.Key, cfg.Broker.Key),
	)
}

// nobodysKey is what stands in a door file of the test data where a real one
// has the administrator's public key. Its private half was never made.
const nobodysKey = "bm9ib2R5IGhvbGRzIHRoaXMgcHJpdmF0ZSBoYWxmISE="
