// Everything an application includes.
#pragma once

#include <tonari/core/parallel.hpp>
#include <tonari/core/result.hpp>
#include <tonari/core/types.hpp>
#include <tonari/core/view.hpp>
#include <tonari/index/advise.hpp>
#include <tonari/index/build.hpp>
#include <tonari/index/grow.hpp>
#include <tonari/index/growing_index.hpp>
#include <tonari/index/index.hpp>
#include <tonari/metric/metric.hpp>
#include <tonari/segment/segment.hpp>
#include <tonari/simd/level.hpp>
#include <tonari/version.hpp>
