// The bodies of forecast, built once. Least squares stand in forecast/least_squares.cpp.
#include "maas/forecast/alarms-inl.hpp"
#include "maas/forecast/baselines-inl.hpp"
#include "maas/forecast/drift-inl.hpp"
#include "maas/forecast/forecaster-inl.hpp"
#include "maas/forecast/frame-inl.hpp"
#include "maas/forecast/intervals-inl.hpp"
#include "maas/forecast/readings-inl.hpp"
#include "maas/forecast/scores-inl.hpp"
