// ONNX Runtime through its C interface, without Python: `Run` on tensors over memory that is taken beforehand.
//
// Its packages for Python bring the library but no headers, so what is needed of the interface is declared here: one
// table of functions, which only ever grows at its end. The places in it are those of version 1, counted in
// include/onnxruntime/core/session/onnxruntime_c_api.h of github.com/microsoft/onnxruntime, whose own checks fix
// the place of the last one of that version (ReleaseCustomOpDomain) at 101.
#include <dlfcn.h>

#include <memory>

#include "peer.hpp"

namespace {

using namespace peer;

// Handles are pointers to what only the library knows; a call that went well returns null, others a status.
using Handle = void*;
struct Base {
  void* const* (*table_of)(std::uint32_t version);
  const char* (*version)();
};

constexpr int warnings = 2, of_the_device = 0, default_memory = 0, floats = 1;

class Library {
 public:
  Library() {
    void* library = dlopen(ONNXRUNTIME_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) throw std::runtime_error(dlerror());
    const auto base_of = reinterpret_cast<const Base* (*)()>(dlsym(library, "OrtGetApiBase"));
    if (!base_of) throw std::runtime_error("expected OrtGetApiBase in the library of ONNX Runtime");
    base_ = base_of();
    table_ = base_->table_of(1);
    if (!table_) throw std::runtime_error("expected ONNX Runtime to know version 1 of its interface");
    take(message, 2);
    take(create_environment, 3);
    take(create_session, 7);
    take(run, 9);
    take(create_options, 10);
    take(set_threads_in_a_node, 24);
    take(set_threads_beside_nodes, 25);
    take(input_name, 36);
    take(output_name, 37);
    take(create_tensor, 49);
    take(create_memory_info, 69);
    take(free_memory, 76);
    take(default_allocator, 78);
    take(release_environment, 92);
    take(release_status, 93);
    take(release_memory_info, 94);
    take(release_session, 95);
    take(release_value, 96);
    take(release_options, 100);
  }
  std::string version() const { return base_->version(); }

  void check(Handle status) const {
    if (!status) return;
    const std::string text = message(status);
    release_status(status);
    throw std::runtime_error("ONNX Runtime: " + text);
  }

  const char* (*message)(Handle status);
  Handle (*create_environment)(int severity, const char* name, Handle* environment);
  Handle (*create_session)(Handle environment, const char* path, Handle options, Handle* session);
  Handle (*run)(Handle session, Handle options, const char* const* input_names, const Handle* inputs,
                std::size_t input_count, const char* const* output_names, std::size_t output_count, Handle* outputs);
  Handle (*create_options)(Handle* options);
  Handle (*set_threads_in_a_node)(Handle options, int threads);
  Handle (*set_threads_beside_nodes)(Handle options, int threads);
  Handle (*input_name)(Handle session, std::size_t place, Handle allocator, char** name);
  Handle (*output_name)(Handle session, std::size_t place, Handle allocator, char** name);
  Handle (*create_tensor)(Handle memory_info, void* numbers, std::size_t bytes, const std::int64_t* shape,
                          std::size_t rank, int type, Handle* tensor);
  Handle (*create_memory_info)(int allocator, int kind, Handle* memory_info);
  Handle (*free_memory)(Handle allocator, void* memory);
  Handle (*default_allocator)(Handle* allocator);
  void (*release_environment)(Handle);
  void (*release_status)(Handle);
  void (*release_memory_info)(Handle);
  void (*release_session)(Handle);
  void (*release_value)(Handle);
  void (*release_options)(Handle);

 private:
  template <class Function>
  void take(Function& function, std::size_t place) {
    function = reinterpret_cast<Function>(table_[place]);
  }

  const Base* base_;
  void* const* table_;
};

const Library& library() {
  static const Library library;
  return library;
}

using Owned = std::unique_ptr<void, void (*)(Handle)>;

/// What a function of the library makes as its last argument.
template <class Function, class... Arguments>
Owned make(void (*release)(Handle), Function function, Arguments... arguments) {
  Handle made = nullptr;
  library().check(function(arguments..., &made));
  return {made, release};
}

Owned make_session(Handle environment, const std::string& path) {
  const Owned options = make(library().release_options, library().create_options);
  library().check(library().set_threads_in_a_node(options.get(), 1));
  library().check(library().set_threads_beside_nodes(options.get(), 1));
  return make(library().release_session, library().create_session, environment, path.c_str(), options.get());
}

Owned make_tensor(std::vector<float>& numbers, std::int64_t rows, std::int64_t columns) {
  const Owned memory = make(library().release_memory_info, library().create_memory_info, of_the_device, default_memory);
  const std::int64_t shape[] = {rows, columns};
  const std::size_t bytes = static_cast<std::size_t>(rows * columns) * sizeof(float);
  return make(library().release_value, library().create_tensor, memory.get(), static_cast<void*>(numbers.data()), bytes,
              static_cast<const std::int64_t*>(shape), std::size_t{2}, floats);
}

std::string first_name(Handle (*name_of)(Handle, std::size_t, Handle, char**), Handle session) {
  Handle allocator = nullptr;
  library().check(library().default_allocator(&allocator));
  char* name = nullptr;
  library().check(name_of(session, 0, allocator, &name));
  const std::string copy = name;
  library().check(library().free_memory(allocator, name));
  return copy;
}

/// A model for batches of one size, with memory for what goes in and out.
class Model {
 public:
  Model(const std::string& path, const Net& net, int batch, std::vector<float> samples)
      : environment_(make(library().release_environment, library().create_environment, warnings, "peer")),
        session_(make_session(environment_.get(), path)),
        input_name_(first_name(library().input_name, session_.get())),
        output_name_(first_name(library().output_name, session_.get())),
        x_(std::move(samples)),
        y_(static_cast<std::size_t>(batch) * static_cast<std::size_t>(net.outputs())),
        input_(make_tensor(x_, batch, net.inputs())),
        output_(make_tensor(y_, batch, net.outputs())) {}

  const float* predict() {
    const char* const input_names[] = {input_name_.c_str()};
    const char* const output_names[] = {output_name_.c_str()};
    const Handle inputs[] = {input_.get()};
    Handle outputs[] = {output_.get()};
    library().check(library().run(session_.get(), nullptr, input_names, inputs, 1, output_names, 1, outputs));
    return y_.data();
  }

 private:
  Owned environment_, session_;
  std::string input_name_, output_name_;
  std::vector<float> x_, y_;
  Owned input_, output_;
};

void predict(const Workload& work, const std::string& folder) {
  const std::string path = folder + "/" + work.net.name;
  Model model(path + ".onnx", work.net, work.batch, read_floats(path + ".x"));
  require_same(read_floats(path + ".y"), model.predict(),
               static_cast<std::size_t>(work.batch) * static_cast<std::size_t>(work.net.outputs()));
  report("ONNX Runtime C++", "Run() into given memory", work.name, measure_calls([&] { keep(model.predict()); }),
         library().version());
}

}  // namespace

int main(int count, char** arguments) {
  return run(count, arguments, [](const Workload& work, const std::string& folder) {
    if (work.what != "predict") throw std::runtime_error("ONNX Runtime only predicts here");
    predict(work, folder);
  });
}
