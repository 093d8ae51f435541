// The bodies of training, built once.
#include "maas/training/backup-inl.hpp"
#include "maas/training/progress-inl.hpp"
#include "maas/training/report-inl.hpp"
#include "maas/training/trainer-inl.hpp"
