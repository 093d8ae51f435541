# maas::serve_grpc, the gRPC service in front of maas::serve. Included by CMakeLists.txt.
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_program(MAAS_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)

set(proto_folder ${CMAKE_CURRENT_SOURCE_DIR}/serve/grpc)
set(made_folder ${CMAKE_CURRENT_BINARY_DIR}/serve/grpc)
file(MAKE_DIRECTORY ${made_folder})
set(made inference.pb.cc inference.pb.h inference.grpc.pb.cc inference.grpc.pb.h)
list(TRANSFORM made PREPEND ${made_folder}/)
add_custom_command(OUTPUT ${made}
                   COMMAND protobuf::protoc --proto_path=${proto_folder} --cpp_out=${made_folder} --grpc_out=${made_folder}
                           --plugin=protoc-gen-grpc=${MAAS_GRPC_PLUGIN} inference.proto
                   DEPENDS ${proto_folder}/inference.proto)

# What the compiler of messages writes has warnings of its own.
add_library(maas_grpc_messages OBJECT ${made})
set_target_properties(maas_grpc_messages PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_include_directories(maas_grpc_messages SYSTEM PUBLIC ${made_folder})
target_link_libraries(maas_grpc_messages PUBLIC gRPC::grpc++ protobuf::libprotobuf)
target_compile_options(maas_grpc_messages PRIVATE -w)

add_library(maas_serve_grpc STATIC serve/grpc/grpc.cpp serve/grpc/messages.cpp $<TARGET_OBJECTS:maas_grpc_messages>)
add_library(maas::serve_grpc ALIAS maas_serve_grpc)
set_target_properties(maas_serve_grpc PROPERTIES EXPORT_NAME serve_grpc POSITION_INDEPENDENT_CODE ON)
add_dependencies(maas_serve_grpc maas_grpc_messages)
target_link_libraries(maas_serve_grpc PUBLIC maas_serve PRIVATE gRPC::grpc++ protobuf::libprotobuf)
target_include_directories(maas_serve_grpc PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(maas_serve_grpc SYSTEM PRIVATE ${made_folder})
target_compile_options(maas_serve_grpc PRIVATE -Wall -Wextra -Wpedantic -Wshadow ${false_alarms})
if(MAAS_WARNINGS_AS_ERRORS)
  target_compile_options(maas_serve_grpc PRIVATE -Werror)
endif()
list(APPEND libraries maas_serve_grpc)
