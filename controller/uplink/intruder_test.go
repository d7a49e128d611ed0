package uplink

import (
	"crypto/rand"
	"crypto/tls"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// intruder is a client with a genuine certificate of one door that tries
// another's topics.
type intruder struct {
	client mqtt.Client
	mu     sync.Mutex
	got    []string
}

func newIntruder(t *testing.T, p *peer, cn string) *intruder {
	t.Helper()
	cfg, err := p.ca.Client(cn)
	if err != nil {
		t.Fatal(err)
	}
	i := &intruder{}
	i.client = mqtt.NewClient(clientOptions(p, cfg, i.take))
	if tok := i.client.Connect(); !tok.WaitTimeout(5*time.Second) || tok.Error() != nil {
		t.Fatalf("the intruder cannot connect: %v", tok.Error())
	}
	return i
}

func clientOptions(p *peer, cfg *tls.Config, take mqtt.MessageHandler) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker("tls://broker").SetClientID(rand.Text()).SetProtocolVersion(4).
		SetAutoReconnect(false).SetConnectTimeout(3 * time.Second).SetDefaultPublishHandler(take)
	return o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		return tls.Dial("tcp", p.addr, cfg)
	})
}

// newStranger gives the error of a client without a certificate.
func newStranger(t *testing.T, p *peer) error {
	t.Helper()
	cfg, err := p.ca.Client("nobody")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Certificates = nil
	c := mqtt.NewClient(clientOptions(p, cfg, nil))
	defer c.Disconnect(0)
	tok := c.Connect()
	tok.Wait()
	return tok.Error()
}

func (i *intruder) take(_ mqtt.Client, m mqtt.Message) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, m.Topic()+" "+string(m.Payload()))
}

func (i *intruder) subscribed(filter string) bool {
	tok := i.client.Subscribe(filter, 1, nil).(*mqtt.SubscribeToken)
	return tok.WaitTimeout(3*time.Second) && tok.Error() == nil && tok.Result()[filter] != subscribeDenied
}

func (i *intruder) publish(topic, payload string) {
	i.client.Publish(topic, 1, false, payload).WaitTimeout(time.Second)
}

func (i *intruder) received() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.got)
}

func (i *intruder) close() { i.client.Disconnect(100) }
