kadwire_test(adapters_tests
  SOURCES
    adapters/asio_datagram_socket_test.cpp
    adapters/asio_scheduler_test.cpp
  LINKS kadwire_adapters)
