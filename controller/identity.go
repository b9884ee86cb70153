package controller

import "berth.dev/berth/spec"

// identity is an object's key as it is in the files of the state directory.
type identity struct {
	Kind      spec.Kind `json:"kind"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
}

func identityOf(k spec.Key) identity { return identity(k) }

func (i identity) key() spec.Key { return spec.Key(i) }
