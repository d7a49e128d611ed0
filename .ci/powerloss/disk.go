package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

const sector = 512 // what a disk writes whole or not at all

// disk is a block device with a volatile write cache: a write is only sure to
// be there after a power cut once a flush came after it.
type disk struct {
	mu      sync.Mutex
	live    []byte  // what a read sees
	stable  []byte  // what the last flush left
	pending []write // since then, in order
	writes  int
	flushes int
	after   int       // writes until the next cut, 0: none is asked for
	cuts    chan *cut // receives it
	acked   func() uint64
}

type write struct {
	off  int64
	data []byte
}

// cut is the moment at which the power went.
type cut struct {
	stable  []byte
	pending []write
	acked   uint64 // acknowledged before that moment
}

func newDisk(size int, acked func() uint64) *disk {
	return &disk{live: make([]byte, size), stable: make([]byte, size), cuts: make(chan *cut, 1), acked: acked}
}

// cutAfter asks for a cut inside the n-th write from now.
func (d *disk) cutAfter(n int) <-chan *cut {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.after = n
	return d.cuts
}

func (d *disk) write(b []byte, off int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.live[off:], b)
	d.pending = append(d.pending, write{off, slices.Clone(b)})
	d.writes++
	if d.after == 0 {
		return
	}
	if d.after--; d.after == 0 {
		d.cuts <- &cut{slices.Clone(d.stable), slices.Clone(d.pending), d.acked()}
	}
}

func (d *disk) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.pending {
		copy(d.stable[w.off:], w.data)
	}
	d.pending = nil
	d.flushes++
}

// survival is what of the unflushed writes reached the platter.
type survival string

const (
	nothing survival = "nothing" // the cache was lost
	prefix  survival = "prefix"  // it was written out in order, up to some point
	sectors survival = "sectors" // each sector was, or was not
)

var survivals = []survival{nothing, prefix, sectors}

// image is the disk as it is found after the cut.
func (c *cut) image(s survival, rng *rand.Rand) []byte {
	img := slices.Clone(c.stable)
	switch s {
	case prefix:
		for _, w := range c.pending[:rng.IntN(len(c.pending)+1)] {
			copy(img[w.off:], w.data)
		}
	case sectors:
		for _, w := range c.pending {
			for o := 0; o < len(w.data); o += sector {
				if rng.IntN(2) == 0 {
					copy(img[w.off+int64(o):], w.data[o:min(o+sector, len(w.data))])
				}
			}
		}
	}
	return img
}

// file shows the disk as one file of a FUSE file system, for a loop device.
type file struct {
	fs.Inode
	d *disk
}

func (f *file) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0 // no page cache between the loop device and us
}

func (f *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o600, uint64(len(f.d.live))
	return 0
}

func (f *file) Setattr(_ context.Context, _ fs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o600, uint64(len(f.d.live))
	return 0
}

func (f *file) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if off >= int64(len(f.d.live)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(dest[:copy(dest, f.d.live[off:])]), 0
}

func (f *file) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	if off+int64(len(data)) > int64(len(f.d.live)) {
		return 0, syscall.ENOSPC
	}
	f.d.write(data, off)
	return uint32(len(data)), 0
}

func (f *file) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	f.d.flush()
	return 0
}

// Allocate refuses to punch holes: a discard would be a write we do not model.
func (f *file) Allocate(context.Context, fs.FileHandle, uint64, uint64, uint32) syscall.Errno {
	return syscall.EOPNOTSUPP
}

// serve mounts the disk as dir/disk.
func (d *disk) serve(dir string) (*fuse.Server, error) {
	root := &fs.Inode{}
	srv, err := fs.Mount(dir, root, &fs.Options{
		OnAdd: func(ctx context.Context) {
			root.AddChild("disk", root.NewPersistentInode(ctx, &file{d: d}, fs.StableAttr{Mode: syscall.S_IFREG}), false)
		},
		// Without fusermount on the machine only root can mount.
		MountOptions: fuse.MountOptions{MaxWrite: 1 << 20, DirectMountStrict: true, FsName: "powerloss"},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot mount the disk at %s: %v", dir, err)
	}
	return srv, nil
}
