# The zoo's texts become C files, so that the binary carries them: embed_zoo(SYMBOL files...) adds one to ZOO_SOURCE.
function(embed_zoo symbol)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
  list(SORT ARGN)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DSYMBOL=${symbol} "-DFILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/embed_zoo.cmake
    DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/cmake/embed_zoo.cmake
    VERBATIM)
  set(ZOO_SOURCE ${ZOO_SOURCE} ${output} PARENT_SCOPE)
endfunction()

file(GLOB ZOO_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/zoo/*.net)
file(GLOB TORCHVISION_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/zoo/torchvision/*.names)
embed_zoo(fv_zoo_entries ${ZOO_FILES})
embed_zoo(fv_torchvision_entries ${TORCHVISION_FILES})
set(ZOO_OF_LIBRARY ${ZOO_SOURCE}) # for targets of other folders, with the target that makes it
add_custom_target(zoo_source DEPENDS ${ZOO_OF_LIBRARY})
