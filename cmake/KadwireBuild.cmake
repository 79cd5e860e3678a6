# How every target of this project is compiled: one place for the language level, the warnings and
# the output folders, and the two functions with which the folders declare what they hold.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(gnutls REQUIRED IMPORTED_TARGET gnutls)
pkg_check_modules(opendht REQUIRED IMPORTED_TARGET opendht)
pkg_check_modules(miniupnpc REQUIRED IMPORTED_TARGET miniupnpc)
pkg_check_modules(mnl REQUIRED IMPORTED_TARGET libmnl)

# Assertions guard our own bugs and stay on in every build: no NDEBUG.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

add_library(kadwire_options INTERFACE)
target_include_directories(kadwire_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(kadwire_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 cannot follow which alternative a moved std::variant holds and warns of the others.
  target_compile_options(kadwire_options INTERFACE -Wno-maybe-uninitialized)
endif()
target_compile_definitions(kadwire_options INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)

# For every target that includes asio. Its inline aligned_new takes memory from malloc or from
# operator new, depending on whether a standard header came before it; two files that differ would
# free with the one what the other allocated. So the choice is made here, for all of them.
add_library(kadwire_asio INTERFACE)
target_compile_definitions(kadwire_asio INTERFACE ASIO_HAS_STD_ALIGNED_ALLOC=1)

set(KADWIRE_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined or thread")
if(KADWIRE_SANITIZE)
  add_compile_options(-fsanitize=${KADWIRE_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${KADWIRE_SANITIZE})
endif()
if(KADWIRE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

# KADWIRE_TOGETHER is for builds of everything. Without it each source is compiled for itself, which is
# quicker after a change and shows that it includes what it uses.

# kadwire_compile_together(TARGET a.cpp …): the sources compile the same headers, and the same inline functions,
# again and again. With KADWIRE_TOGETHER they are compiled as one file: at a quarter of the price where the
# command line, JSON or toml are in it, at less than half for others. The names in their anonymous namespaces
# must differ: a source whose names do not stands among SOURCES instead.
function(kadwire_compile_together target)
  if(KADWIRE_TOGETHER AND ARGN)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP together)
    # GCC takes what another file includes for a header, where an anonymous namespace would be a mistake.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# kadwire_library(NAME SOURCES a.cpp … TOGETHER b.cpp … LINKS x …): one static library for a folder.
function(kadwire_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;TOGETHER;LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES} ${arg_TOGETHER})
  target_link_libraries(${name} PUBLIC kadwire_options ${arg_LINKS})
  kadwire_compile_together(${name} ${arg_TOGETHER})
endfunction()

# kadwire_executable(NAME SOURCES main.cpp … LINKS x …): a binary in build/<preset>/bin.
function(kadwire_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE kadwire_options ${arg_LINKS})
endfunction()
