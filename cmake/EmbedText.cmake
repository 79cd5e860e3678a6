# kadwire_embed_files(TARGET FUNCTION name FILES a.txt …): puts text files into a program at build time.
# TARGET gets one more source, which defines
#
#   std::span<const kadwire::testnet::EmbeddedText> kadwire::testnet::NAME();
#
# with the files in the order given, each under its file name without the folder. Whoever calls it
# declares it (tools/testnet/embedded_text.h). No file may contain )kadwire_text".
function(kadwire_embed_files target)
  cmake_parse_arguments(arg "" "FUNCTION" "FILES" ${ARGN})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${arg_FUNCTION}.cpp)
  list(TRANSFORM arg_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]")
  string(JOIN "|" files ${arg_FILES})
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DFUNCTION=${arg_FUNCTION} "-DFILES=${files}"
            -P ${CMAKE_SOURCE_DIR}/cmake/EmbedTextStep.cmake
    DEPENDS ${arg_FILES} ${CMAKE_SOURCE_DIR}/cmake/EmbedTextStep.cmake
    COMMENT "Embedding texts as ${arg_FUNCTION}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
