// The bodies of model, built once.
#include "maas/model/model-inl.hpp"
