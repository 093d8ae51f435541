// Memory of idle connections goes back to the system, and what is in it stays.
#include "serve/idle_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <thread>

#include "maas/serve/server.hpp"
#include "serve/models.hpp"
#include "support/catch.hpp"
#include "support/http_client.hpp"
#include "support/sanitized.hpp"

using namespace maas;
using namespace maas::tests;
using namespace std::chrono_literals;
using serve::IdleMemory;

namespace {

const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

// Pages from the system, all of them touched.
struct Pages {
  std::size_t bytes;
  char* memory;

  explicit Pages(std::size_t pages)
      : bytes(pages * page),
        memory(static_cast<char*>(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    std::memset(memory, 0, bytes);
  }
  ~Pages() { ::munmap(memory, bytes); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  std::size_t resident_pages() const {
    std::vector<unsigned char> pages(bytes / page);
    ::mincore(memory, bytes, pages.data());
    return static_cast<std::size_t>(std::ranges::count_if(pages, [](unsigned char flags) { return flags & 1; }));
  }
};

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * page;
}

}  // namespace

TEST_CASE("blocks of idle connections are given back after their time, those in use are not") {
  const Pages idle(9), busy(9);
  IdleMemory memory({.block_bytes = idle.bytes, .after = 2s});
  IdleMemory::Connection* first = memory.opened();
  IdleMemory::Connection* second = memory.opened();
  first->begin(idle.memory);
  second->begin(busy.memory);
  first->end();
  const auto start = std::chrono::steady_clock::now();
  memory.look(start);
  memory.look(start + 1900ms);
  CHECK(memory.given_back() == 0);
  CHECK(idle.resident_pages() == 9);
  memory.look(start + 3s);
  CHECK(memory.given_back() == idle.bytes);
  CHECK(idle.resident_pages() == 0);
  CHECK(busy.resident_pages() == 9);
  memory.look(start + 6s);
  CHECK(memory.given_back() == idle.bytes);  // once is enough

  std::memset(idle.memory, 0, idle.bytes);  // as a request does it, and the end of it
  first->begin(idle.memory);
  first->end();
  memory.look(start + 7s);
  memory.look(start + 10s);
  CHECK(memory.given_back() == 2 * idle.bytes);
  memory.closed(first);
  second->end();
  memory.look(start + 11s);
  memory.look(start + 14s);
  CHECK(busy.resident_pages() == 0);
}

TEST_CASE("pages with something in them stay, and so do blocks that begin within a page") {
  const Pages block(9);
  block.memory[3 * page + 17] = 'x';  // of a head that is still coming
  IdleMemory memory({.block_bytes = block.bytes});
  IdleMemory::Connection* connection = memory.opened();
  connection->begin(block.memory);
  connection->end();
  const auto start = std::chrono::steady_clock::now();
  memory.look(start);
  memory.look(start + 3s);
  CHECK(memory.given_back() == 8 * page);
  CHECK(block.resident_pages() == 1);
  CHECK(block.memory[3 * page + 17] == 'x');

  const Pages other(9);
  IdleMemory::Connection* from_heap = memory.opened();
  from_heap->begin(other.memory + 16);
  from_heap->end();
  memory.look(start + 4s);
  memory.look(start + 7s);
  CHECK(other.resident_pages() == 9);
}

TEST_CASE("one look gives back some blocks, the next ones others") {
  const Pages block(9);
  IdleMemory memory({.block_bytes = block.bytes, .at_once = 2});
  for (int i = 0; i < 5; ++i) {
    IdleMemory::Connection* connection = memory.opened();
    connection->begin(block.memory);
    connection->end();
  }
  auto now = std::chrono::steady_clock::now();
  memory.look(now);
  now += 3s;
  for (const std::size_t given : {2U, 4U, 5U, 5U}) {
    const auto next = memory.look(now);
    CHECK(memory.given_back() == given * block.bytes);
    CHECK(memory.look(now) == next);  // not due yet
    now = next;
  }
}

TEST_CASE("a round ends, however many connections come and go meanwhile") {
  const Pages block(1);
  IdleMemory memory({.block_bytes = block.bytes});
  auto now = std::chrono::steady_clock::now();
  CHECK_FALSE(memory.is_in_round());
  IdleMemory::Connection* first = memory.opened();
  for (int i = 0; i < 5; ++i) {
    memory.opened();
    CHECK(memory.is_in_round());
    now = memory.look(now) + 1ms;
    now = memory.look(now) + 1ms;
    CHECK_FALSE(memory.is_in_round());
  }
  memory.closed(first);
  CHECK_FALSE(memory.is_in_round());
}

TEST_CASE("a server's idle connections hold little, and go on when they are asked again") {
  serve::Repository repository{serve::RepositoryOptions{}};
  repository.publish("affine", 1, affine());
  const serve::Server server(repository, {.port = 0});
  constexpr std::size_t count = 200;
  const std::size_t before = resident_bytes();
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server.port()));
    REQUIRE(clients.back()->ask("GET", "/healthz").status == 200);
  }
  CHECK(resident_bytes() - before > count * (24 << 10));
  for (int i = 0; i < (is_sanitized ? 30 : 100) && resident_bytes() > before + count * (8 << 10); ++i)
    std::this_thread::sleep_for(100ms);
  CHECK((is_sanitized || resident_bytes() < before + count * (8 << 10)));
  for (auto& client : clients)
    CHECK(client->ask("POST", "/v1/models/affine:predict", R"({"instances": [[1, 2]]})").body ==
          R"({"predictions":[[8.5]]})");
}
