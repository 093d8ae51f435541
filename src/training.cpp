// The bodies of training, built once.
#include "maas/training/backup-inl.hpp"
#include "maas/training/callbacks-inl.hpp"
#include "maas/training/history-inl.hpp"
#include "maas/training/progress-inl.hpp"
#include "maas/training/report-inl.hpp"
#include "maas/training/state_archive-inl.hpp"
#include "maas/training/trainer-inl.hpp"
#include "maas/training/tuner-inl.hpp"
